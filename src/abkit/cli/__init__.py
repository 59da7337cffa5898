"""The command line: `abkit --help` lists its commands."""

from abkit.errors import MissingExtraError


def main() -> None:
    """Run `abkit`; without its extra, the process ends with a line that says what to install."""
    try:
        from abkit.cli.group import abkit
    except ModuleNotFoundError as error:
        if error.name not in {"click", "rich", "tomlkit"}:
            raise
        raise SystemExit(f"Error: {MissingExtraError(error.name, 'cli')}") from None
    abkit(prog_name="abkit")
