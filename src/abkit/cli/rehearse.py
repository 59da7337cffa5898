"""`abkit rehearse`: an experiment on one's own history, before anything is shown to anybody."""

import json
from datetime import timedelta

import click

from abkit.analysis.reading.event_folder import stored_tables
from abkit.cli.config import (
    config_option,
    configured_experiment,
    required_events,
    stored_events_option,
)
from abkit.cli.failing import one_line_errors
from abkit.cli.printing import console
from abkit.cli.progress import progress
from abkit.cli.words import share
from abkit.errors import EmptyDataError
from abkit.extras import extra


@click.command()
@click.argument("name")
@stored_events_option
@config_option
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    help="Use this many of the last days of the events. Default: 28, or half of what there is.",
)
@click.option(
    "--splits",
    type=click.IntRange(20, 5_000),
    default=500,
    show_default=True,
    help="How often the units are split.",
)
@click.option(
    "--power",
    type=share,
    metavar="SHARE",
    default=0.8,
    show_default=True,
    help="Probability of finding the smallest change, if it exists.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def rehearse(
    name: str,
    events: str | None,
    config: str | None,
    days: int | None,
    *,
    splits: int,
    power: float,
    as_json: bool,
) -> None:
    """Rehearse the experiment NAME on stored events, before anything is shown to anybody.

    The units of the last days are split again and again, and each split is judged as NAME declares. Nothing
    was different for anybody: every difference is a false alarm. Also printed: the smallest change that would
    be found, what the variance is made of, and a plan to paste.
    """
    with one_line_errors():
        experiment = configured_experiment(config, name)
        where = required_events(events)
        stored = stored_tables(where)
        actions = stored["actions"]
        if actions is None:
            raise EmptyDataError(where, "has no actions: there is no history to rehearse on")
        with extra("analysis"):
            from abkit.analysis.rehearsal.rehearse import rehearse as rehearsed
        with progress() as told:
            found = rehearsed(
                experiment,
                actions=actions,
                identities=stored.get("identities"),
                length=None if days is None else timedelta(days=days),
                splits=splits,
                power=power,
                **told,
            )
        if as_json:
            from abkit.analysis.presentation.export.rehearsal import to_dict

            click.echo(json.dumps(to_dict(found), indent=2, allow_nan=False))
            return
        where_to = console()
        from abkit.analysis.presentation.terminal.rehearsal import show

        show(found, where_to)
