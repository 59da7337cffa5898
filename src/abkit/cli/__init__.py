"""The command line: `abkit --help` lists its commands."""

from abkit.distribution import intruder, replaced
from abkit.errors import MissingExtraError
from abkit.extras import extra


def main() -> None:
    """Run `abkit`.

    Without its extra, or with another package's files where abkit's should be, the process ends with a line
    that says what to do.
    """
    if replaced():
        raise SystemExit(f"Error: {intruder()}")
    try:
        with extra("cli"):
            from abkit.cli.group import abkit
    except MissingExtraError as error:
        raise SystemExit(f"Error: {error}") from None
    abkit(prog_name="abkit")
