"""`python -m abkit`: the command line, as `abkit` is."""

from abkit.cli import main

main()
