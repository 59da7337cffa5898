"""Changing the settings from the command line: show what changes, ask, write it, and record who did it."""

import getpass
from collections.abc import Mapping
from os import environ
from typing import TYPE_CHECKING, Any

import click

from abkit.cli.config import SETTINGS_VARIABLE, Option, or_pyproject
from abkit.errors import ConfigError
from abkit.events import variant_text
from abkit.experiments.changing.settings_change import SettingsChange, is_same
from abkit.experiments.changing.settings_writer import SettingsWriter
from abkit.experiments.declaring.declaration import Declaration

if TYPE_CHECKING:
    from abkit.experiments.changing.audit_log import AuditLog

AUDIT_LOG_VARIABLE = "ABKIT_AUDIT_LOG"
USER_VARIABLE = "ABKIT_USER"

yes_option: Option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")

why_option: Option = click.option(
    "--why", default="", metavar="TEXT", help="The reason, for the audit log."
)

audit_log_option: Option = click.option(
    "--audit-log",
    metavar="URL",
    envvar=AUDIT_LOG_VARIABLE,
    callback=or_pyproject("audit_log"),
    help="Database of the audit log: postgresql+psycopg://... or sqlite:///... Default: "
    f"${AUDIT_LOG_VARIABLE}, or `audit_log` in [tool.abkit] of pyproject.toml, or a file beside the "
    "settings.",
)


def settings_writer(settings: str | None, audit_log: str | None) -> SettingsWriter:
    """What changes the configured settings.

    Raises:
        ConfigError: No settings are configured, or they or the audit log cannot be used.
    """
    if settings is None:
        message = (
            f"Where are the settings? Pass --settings FILE, set {SETTINGS_VARIABLE}, "
            'or write settings = "experiments.toml" under [tool.abkit] in pyproject.toml.'
        )
        raise ConfigError(message)
    return SettingsWriter(settings, audit_log=_sql_log(audit_log))


def _sql_log(url: str | None) -> "AuditLog | None":
    if url is None:
        return None
    from abkit.experiments.changing.sql_audit_log import SqlAuditLog

    return SqlAuditLog(url)


def user() -> str:
    """Who is calling: as ABKIT_USER says, or the name of the system's user."""
    if named := environ.get(USER_VARIABLE):
        return named
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # In a container, a user may have no name.
        return "unknown"


def write_keys(
    writer: SettingsWriter,
    declaration: Declaration,
    keys: Mapping[str, Any],
    *,
    why: str,
    yes: bool,
) -> None:
    """Change the settings of an experiment, as `write_change` does. A key that is None is removed."""
    seen = writer.settings_of(declaration.name)
    change = SettingsChange(declaration.name, keys, who=user(), why=why, seen=seen)
    write_change(writer, declaration, change, yes=yes)


def write_change(
    writer: SettingsWriter, declaration: Declaration, change: SettingsChange, *, yes: bool
) -> None:
    """Show what changes, ask, and write it.

    Raises:
        ConfigError, DeclarationError: As `SettingsWriter.write`.
    """
    before = change.seen or {}
    after = change.applied_to(before)
    if is_same(before, after):
        click.echo(f"{writer.path} says so already: nothing changes.")
        return
    click.echo(f"{writer.path}, {change.experiment}:")
    for line in differences(before, after):
        click.echo(f"  {line}")
    if not yes:
        click.confirm("Write this?", abort=True)
    writer.write(change, declaration)
    click.echo("Written. Running applications see it within their interval, a second by default.")


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """What differs, a line for each key."""
    return tuple(
        f"{key}: {_shown(before.get(key))} -> {_shown(after.get(key))}"
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    )


def _shown(value: object) -> str:
    return "not set" if value is None else variant_text(value)
