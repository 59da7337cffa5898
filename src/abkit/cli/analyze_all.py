"""`abkit analyze --all`: every experiment of the module, of events that are read once."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click
from attrs import evolve

from abkit.analysis.analysis import Analysis, read_together
from abkit.analysis.presentation.figures import legible
from abkit.analysis.reading.event_folder import stored_tables
from abkit.analysis.result import Result
from abkit.cli.config import configured_experiments
from abkit.cli.failing import one_line_errors
from abkit.cli.invocation import invocation
from abkit.cli.printing import show_result
from abkit.cli.progress import progress
from abkit.cli.questions import asked
from abkit.cli.store import shared_store
from abkit.errors import AbkitError

_ALONE = ("name", "holdout", "units", "html", "csv", "png", "notebook", "control", "memory_limit")


def analyze_all(options: Mapping[str, Any]) -> None:
    """Analyze each experiment and print what was found; one that fails holds up no other.

    Raises:
        click.UsageError: Something was asked for that is of one experiment.
        click.exceptions.Exit: One could not be analyzed.
    """
    stray = [name for name in _ALONE if options[name] is not None]
    if stray:
        given = "NAME" if stray[0] == "name" else f"--{stray[0].replace('_', '-')}"
        message = f"{given} goes without --all, which analyzes each experiment of the module"
        raise click.UsageError(message)
    with one_line_errors():
        experiments = [
            each for each in configured_experiments(options["config"]) if each.declaration.metrics
        ]
        said, tables = asked(options, now=datetime.now(UTC)), stored_tables(options["events"])
    sources = {**tables, **said.sources}
    with (
        one_line_errors(),
        shared_store(options["store"], experiments=len(experiments)) as store,
    ):
        analyses = {
            each.name: Analysis(each, **sources, plan=said.analysis_plan, store=store)
            for each in experiments
        }
        if store is not None:
            read_together(analyses.values())
        found: dict[str, Result] = {}
        failed = False
        for name, analysis in analyses.items():
            try:
                with progress() as told:
                    result = analysis.run(**told, **said.run)
            except AbkitError as error:
                click.echo(f"{legible(name)}: {' '.join(str(error).split())}", err=True)
                failed = True
                continue
            if found and not options["as_json"]:
                click.echo("\n")
            found[name] = evolve(result, invocation=invocation(config=options["config"]))
            if not options["as_json"]:
                show_result(found[name], pairs=options["pairs"])
    if options["as_json"]:
        results = {name: result.to_dict() for name, result in found.items()}
        click.echo(json.dumps(results, indent=2, allow_nan=False))
    if failed:
        raise click.exceptions.Exit(1)
