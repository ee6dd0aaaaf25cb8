"""The `surefoot` command: verbs that read and write files. Nothing imports this package."""
