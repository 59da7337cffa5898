"""Which database the events are in, of a command that reads them there."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from abkit.cli.config import Option, or_pyproject, required_events

if TYPE_CHECKING:
    from abkit.manager import ExperimentManager
    from abkit.panel import StoredSource

ENGINE_VARIABLE = "ABKIT_ENGINE"

EXPOSURES, ACTIONS = "abkit_exposures", "abkit_actions"
"""The tables of `SqlSink`."""

engine_option: Option = click.option(
    "--engine",
    metavar="URL",
    envvar=ENGINE_VARIABLE,
    callback=or_pyproject("engine"),
    help="Database in which the events are, instead of --events: postgresql+psycopg://..., sqlite:///... "
    f"or duckdb:///... Default: ${ENGINE_VARIABLE}, or `engine` in [tool.abkit] of pyproject.toml.",
)

exposures_option: Option = click.option(
    "--exposures", metavar="TABLE", help=f"Table of --engine. Default: {EXPOSURES}."
)

actions_option: Option = click.option(
    "--actions", metavar="TABLE", help=f"Table of --engine. Default: {ACTIONS}."
)

identities_option: Option = click.option(
    "--identities", metavar="TABLE", help="Table of --engine. Default: none."
)


def stored_source(manager: "ExperimentManager", options: Mapping[str, Any]) -> "StoredSource":
    """The experiments, and their events where the options say.

    Args:
        manager: The experiments.
        options: `events`, `engine`, `exposures`, `actions` and `identities`; what was not said is None.

    Raises:
        AnalysisError: The URL of the database cannot be used.
        ConfigError: pyproject.toml cannot be read.
        MissingExtraError: A package is not installed that is needed.
        UsageError: Two places are said, or none.
    """
    from abkit.panel import StoredSource
    from abkit.panel.database_tables import DatabaseTables

    events, engine = options["events"], options["engine"]
    if events is not None and _is_said("engine"):
        message = "give either --events or --engine: the events are in one place"
        raise click.UsageError(message)
    if engine is None or events is not None:
        stray = [name for name in ("exposures", "actions", "identities") if options[name]]
        if stray:
            message = f"--{stray[0]} names a table of --engine URL, which is not given"
            raise click.UsageError(message)
        return StoredSource(manager, events=required_events(events))
    return StoredSource(
        manager,
        tables=DatabaseTables(
            url=engine,
            exposures=options["exposures"] or EXPOSURES,
            actions=options["actions"] or ACTIONS,
            identities=options["identities"],
        ),
    )


def _is_said(name: str) -> bool:
    """Whether an option was typed, not taken from a variable or a file."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE
