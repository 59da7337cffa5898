"""The command line: `abkit`."""

from abkit.errors import MissingExtraError


def main() -> None:
    """Run the command `abkit`.

    Without click there is nothing to run: the process ends with a line that says what to install.
    """
    try:
        from abkit.cli.group import abkit
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        raise SystemExit(str(MissingExtraError("click", "cli"))) from None
    abkit()
