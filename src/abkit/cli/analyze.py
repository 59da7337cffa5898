"""`abkit analyze`: from stored events, or a table of units, to a verdict."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from attrs import evolve, frozen

from abkit.analysis.analysis import Analysis
from abkit.analysis.presentation.notebook import Recipe
from abkit.analysis.reading.event_folder import stored_tables
from abkit.analysis.reading.places import absolute
from abkit.analysis.result import Result
from abkit.analysis.tables import OF_EVENTS
from abkit.analysis.units import UnitsAnalysis
from abkit.cli.analyze_all import analyze_all
from abkit.cli.analyzed import analyzed, check_subject
from abkit.cli.config import config_option, configured_events, stored_events_option
from abkit.cli.failing import CommandError, one_line_errors
from abkit.cli.invocation import invocation
from abkit.cli.memory import engine_within, memory_limit_option
from abkit.cli.places import FileOrUrl
from abkit.cli.printing import show_result
from abkit.cli.progress import progress
from abkit.cli.questions import (
    asked,
    design_options,
    event_options,
    instead,
    numbers,
    pair,
)
from abkit.cli.recipes import events_recipe, units_recipe
from abkit.cli.store import store_option
from abkit.cli.unit_metrics import missing_option, unit_metrics
from abkit.errors import OutsideFrameError
from abkit.quoting import masked

_FILE = FileOrUrl()
_PRINTED = Path("-")
_OF_EVENTS = {
    *OF_EVENTS,
    "cuped",
    "looks",
    "spending",
    "start",
    "until",
    "assignments",
    "identities",
}
"""What goes with stored events only."""


@frozen(kw_only=True)
class _Found:
    """A result, and how a notebook makes it again."""

    result: Result
    recipe: Recipe


@click.command()
@click.argument("name", required=False)
@stored_events_option
@config_option
@click.option(
    "--holdout",
    metavar="NAME",
    help="Measure all that was shipped: compare the units of this holdout with all others.",
)
@click.option(
    "--unit-type",
    metavar="TYPE",
    help="Units of --holdout, if its experiments randomize several types.",
)
@click.option("--units", metavar="FILE", help="Table with one row per unit, instead of events.")
@click.option(
    "--unit",
    metavar="COL",
    help="Column with the units' ids. Default: each row is a unit.",
)
@click.option("--variant", metavar="COL", help="Column with the variants.")
@click.option(
    "--conversion",
    "conversions",
    metavar="COL",
    multiple=True,
    help="Column with true and false; repeatable.",
)
@click.option(
    "--mean", "means", metavar="COL", multiple=True, help="Column with numbers; repeatable."
)
@missing_option
@click.option(
    "--covariate",
    "covariates",
    metavar="NAME",
    multiple=True,
    help="Adjust the metrics by a property of the exposure, or by a metric before it; repeatable. With "
    "--units, METRIC=COL: the column with the metric's value before the experiment, for CUPED.",
)
@click.option(
    "--weights",
    metavar="VARIANT=SHARE",
    type=pair,
    multiple=True,
    help="Designed share of a variant; repeatable. Default: equal shares.",
)
@design_options
@event_options
@memory_limit_option
@store_option
@click.option("--html", metavar="FILE", type=_FILE, help="Write an HTML report.")
@click.option(
    "--csv",
    metavar="FILE",
    type=_FILE,
    help="Write one row per metric and variant; - prints them.",
)
@click.option(
    "--png",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write each chart as an image.",
)
@click.option(
    "--notebook", metavar="FILE", type=_FILE, help="Write a Jupyter notebook for further analysis."
)
@click.option("--pairs", is_flag=True, help="Print every two variants beside the control, too.")
@click.option(
    "--all", "all_experiments", is_flag=True, help="Analyze each experiment of the module."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def analyze(**options: Any) -> None:
    """Analyze an experiment.

    Analyze stored events, where NAME is an experiment in the module's ACTIVE_EXPERIMENTS:

    \b
      abkit analyze ShowPluginsExperiment --events data/events --config myapp.experiments

    Analyze each experiment of the module, and read only what is new since the last time:

    \b
      abkit analyze --all --events data/events --config myapp.experiments \\
          --store data/events/store.duckdb

    Analyze all that the experiments of a holdout have shipped:

    \b
      abkit analyze --holdout 2026-q3 --events data/events --config myapp.experiments

    Analyze a table with one row per unit:

    \b
      abkit analyze --units cats.csv --unit userid --variant version \\
          --control gate_30 --conversion retention_1 --mean sum_gamerounds
    """  # noqa: D301 - click's mark of a paragraph that is not wrapped
    _check_printed(options)
    if options["units"] is None:
        with one_line_errors():
            options["events"] = configured_events(options["events"])
    if (options["units"] is None) == (options["events"] is None):
        message = "give either --events DIR with the NAME of an experiment, or --units FILE"
        raise click.UsageError(message)
    if options["all_experiments"]:
        analyze_all(options)
        return
    with one_line_errors():
        found = _of_events(options) if options["units"] is None else _of_units(options)
        written = _write(found, options)
        if options["csv"] == _PRINTED:
            click.echo(found.result.to_csv(), nl=False)
        elif options["as_json"]:
            click.echo(json.dumps(found.result.to_dict(), indent=2, allow_nan=False))
        else:
            show_result(found.result, pairs=options["pairs"])
    for what, path in written.items():
        click.echo(f"{what}: {masked(str(path))}", err=True)


def _check_printed(options: Mapping[str, Any]) -> None:
    """Refuse to print two things at once, or what is no text."""
    if options["csv"] == _PRINTED and options["as_json"]:
        message = "--csv - and --json both print; give one of them a file: --csv FILE"
        raise click.UsageError(message)
    for option in ("html", "png", "notebook"):
        if options[option] == _PRINTED:
            message = f"--{option} needs the name of a file; only --csv - prints"
            raise click.UsageError(message)


def _of_units(options: Mapping[str, Any]) -> _Found:
    if options["name"] is not None:
        message = f"NAME ({options['name']}) goes with --events; a table of units has no experiment"
        raise click.UsageError(message)
    if options["store"] is not None:
        message = "--store goes with --events; a table of units is read each time"
        raise click.UsageError(message)
    if options["holdout"] is not None:
        message = "--holdout goes with --events; a table of units has no exposures"
        raise click.UsageError(message)
    said = asked(options, now=datetime.now(UTC))
    stray = [name for name in (*said.plan, *said.run, *said.sources) if name in _OF_EVENTS]
    if stray:
        spelled = {"start": "from"}.get(stray[0], stray[0].replace("_", "-"))
        message = f"--{spelled} goes with --events; a table of units has no exposures"
        raise click.UsageError(message)
    needed = {"--variant": "variant", "--control": "control"}
    lacking = [option for option, name in needed.items() if options[name] is None]
    if lacking:
        message = f"--units needs {', '.join(lacking)} too"
        raise click.UsageError(message)
    metrics = unit_metrics(options)
    keywords = {name: options[name] for name in ("variant", "control", "unit") if options[name]}
    if options["weights"]:
        keywords["weights"] = numbers(options["weights"], option="--weights")
    if options["covariates"]:
        said = evolve(said, plan={**said.plan, "cuped": dict(map(pair, options["covariates"]))})
    with engine_within(options["memory_limit"]) as engine, progress() as told:
        result = UnitsAnalysis(
            options["units"], metrics=metrics, engine=engine, plan=said.analysis_plan, **keywords
        ).run(**told)
    path = absolute(options["units"])
    recipe = units_recipe(path, keywords, said, metrics=metrics)
    return _Found(result=result, recipe=recipe)


def _of_events(options: Mapping[str, Any]) -> _Found:
    check_subject(options)
    stray = [
        o for o in ("unit", "variant", "conversions", "means", "missing", "weights") if options[o]
    ]
    if stray:
        option = stray[0] if stray[0] == "weights" else stray[0].removesuffix("s")
        message = f"--{option} goes with --units; an experiment declares these"
        raise click.UsageError(message)
    if options["store"] is not None and options["memory_limit"] is not None:
        message = "--memory-limit goes without --store"
        raise click.UsageError(message)
    subject = analyzed(options)
    tables = stored_tables(options["events"])
    said = asked(options, now=datetime.now(UTC))
    if options["covariates"]:
        said = evolve(said, plan={**said.plan, "covariates": options["covariates"]})
    try:
        with engine_within(options["memory_limit"]) as engine, progress() as told:
            analysis = Analysis(
                subject.design,
                **{**tables, **said.sources},
                engine=engine,
                plan=said.analysis_plan,
                store=options["store"],
            )
            result = evolve(
                analysis.run(**told, **said.run), invocation=invocation(config=options["config"])
            )
    except OutsideFrameError as error:
        raise CommandError(f"{error}. Ask for {instead(options, error)}") from error
    places = {part: place and absolute(place) for part, place in tables.items()}
    return _Found(result=result, recipe=events_recipe(subject.code, places, said))


def _write(found: _Found, options: Mapping[str, Any]) -> dict[str, Path | str]:
    """Write the files that were asked for; the answer says what is where."""
    result, written = found.result, dict[str, Path | str]()
    if options["html"] is not None:
        result.to_html(options["html"])
        written["Report"] = options["html"]
    if options["csv"] is not None and options["csv"] != _PRINTED:
        result.to_csv(options["csv"])
        written["Table"] = options["csv"]
    if options["png"] is not None:
        result.to_png(options["png"])
        written["Charts"] = options["png"]
    if options["notebook"] is not None:
        result.to_notebook(options["notebook"], found.recipe)
        written["Notebook"] = options["notebook"]
    return written
