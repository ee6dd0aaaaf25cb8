"""One short file per published system, and the demo that compares what is here."""
