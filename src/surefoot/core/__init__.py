"""Nouns, verbs and errors that every stage shares; numpy is all it needs."""
