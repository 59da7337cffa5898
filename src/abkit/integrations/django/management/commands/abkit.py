"""`manage.py abkit`: the commands of abkit, on the project's experiments and settings."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from abkit.errors import AbkitError, MissingExtraError
from abkit.extras import extra
from abkit.integrations.django.apps import abkit_app


class Command(BaseCommand):
    """Hands everything on to the command line of abkit."""

    help = "list, check, assign, why, rollout, freeze...: `manage.py abkit -- --help` lists all of them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the rest of the line as it is."""
        parser.add_argument(
            "line", nargs=argparse.REMAINDER, help="As for abkit; such as: check --update"
        )

    def run_from_argv(self, argv: list[str]) -> None:
        """Run; of the options, Django's own are taken out, wherever they stand."""
        own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        own.add_argument("--settings")
        own.add_argument("--pythonpath")
        super().run_from_argv([*argv[:2], *own.parse_known_args(argv[2:])[1]])

    def handle(self, *, line: Sequence[str], **options: Any) -> None:
        """Run a command of abkit.

        Raises:
            CommandError: As the command fails, with its exit code.
        """
        try:
            with extra("cli"):
                import click

                from abkit.cli.group import COMMANDS, abkit
        except MissingExtraError as error:
            raise CommandError(str(error)) from None
        defaults: dict[str, Any] = {"config": "abkit.integrations.django.active"}
        configuration = abkit_app().configuration
        if configuration.settings is not None:
            defaults["settings"] = os.fspath(configuration.settings)
        if configuration.sticky_store is not None:
            defaults["sticky_store"] = "abkit.integrations.django.active:sticky_store"
        arguments = line[1:] if line[:1] == ["--"] else line
        try:
            with redirect_stdout(options.get("stdout") or sys.stdout):
                abkit.main(
                    [*arguments],
                    prog_name="manage.py abkit",
                    standalone_mode=False,
                    default_map=dict.fromkeys(COMMANDS, defaults),
                )
        except click.ClickException as error:
            raise CommandError(error.format_message(), returncode=error.exit_code) from error
        except click.Abort:
            message = "Aborted."
            raise CommandError(message) from None
        except AbkitError as error:
            raise CommandError(str(error), returncode=2) from error
