"""`abkit interactions`: which running experiments touch each other."""

import json
from pathlib import Path

import click

from abkit.analysis.interactions import InteractionsAnalysis
from abkit.analysis.reading.event_folder import stored_tables
from abkit.cli.config import (
    config_option,
    configured_experiments,
    configured_manager,
    required_events,
    settings_option,
    stored_events_option,
)
from abkit.cli.failing import one_line_errors
from abkit.cli.places import FileOrUrl
from abkit.cli.printing import console
from abkit.cli.progress import progress
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import control_of
from abkit.quoting import masked


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@stored_events_option
@config_option
@settings_option
@click.option(
    "--html",
    metavar="FILE",
    type=FileOrUrl(),
    help="Write an HTML page.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def interactions(
    names: tuple[str, ...],
    events: str | None,
    config: str | None,
    settings: str | None,
    *,
    html: Path | str | None,
    as_json: bool,
) -> None:
    """Test whether the running experiments, or those given as NAME, touch each other.

    For each pair that shares units: whether their variants are independent, and whether the effect of one
    depends on the variant of the other.
    """
    with one_line_errors():
        where = required_events(events)
        experiments = _experiments(names, config, settings)
        analysis = InteractionsAnalysis(experiments, **stored_tables(where))
        with progress() as told:
            result = analysis.run(**told)
        if as_json:
            click.echo(json.dumps(result.to_dict(), indent=2, allow_nan=False))
        else:
            from abkit.analysis.presentation.terminal.interactions import show

            show(result, console())
        if html is not None:
            result.to_html(html)
            click.echo(f"Page: {masked(str(html))}", err=True)


def _experiments(
    names: tuple[str, ...], config: str | None, settings: str | None
) -> list[Declaration]:
    """Those that are asked for; else those that run."""
    manager = configured_manager(config, settings)
    classes = {each.name: each for each in configured_experiments(config)}
    found = [
        manager.declaration(name)._replace(control=control_of(classes[name]))
        for name in dict.fromkeys(names or manager)
    ]
    return [of for of in found if names or (of.enabled and of.winner is None)]
