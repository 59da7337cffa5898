"""`python -m abkit.cli`: the command line where its script is not on the path."""

from abkit.cli import main

main()
