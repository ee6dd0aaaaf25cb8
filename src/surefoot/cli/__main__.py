"""`python -m surefoot.cli` is `surefoot`."""

from surefoot.cli.main import main

main()
