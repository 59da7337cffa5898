"""The command line: `abkit --help` lists its commands."""

import sys

from abkit.distribution import __version__, intruder, replaced
from abkit.errors import MissingExtraError
from abkit.extras import extra


def main() -> None:
    """Run `abkit`.

    Without its extra, or with another package's files where abkit's should be, the process ends with a line
    that says what to do; but `abkit --version` needs no extra.
    """
    if replaced():
        raise SystemExit(f"Error: {intruder()}")
    try:
        with extra("cli"):
            from abkit.cli.group import abkit
    except MissingExtraError as error:
        if sys.argv[1:] == ["--version"]:
            sys.stdout.write(f"abkit, version {__version__}\n")
            return
        raise SystemExit(f"Error: {error}") from None
    abkit(prog_name="abkit")
