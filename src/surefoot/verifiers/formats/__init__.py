"""Verifiers from the Hub, each family in its own words: one short file a family.

What a family shares with the others is in `template.py` (ids and places), `files.py`
(what is read from a checkpoint, and what never is) and `marked.py` (one score a step).
"""
