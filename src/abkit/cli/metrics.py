"""`abkit metrics`: the metrics of a project, who uses them, and what they were in the last days."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from abkit.analysis.reading.event_folder import required_actions, stored_tables
from abkit.cli.config import (
    config_option,
    configured_catalogue,
    configured_events,
    configured_experiments,
    stored_events_option,
)
from abkit.cli.printing import console
from abkit.cli.progress import progress
from abkit.experiments.checking.metric_uses import UsedMetric, used_metrics
from abkit.experiments.deciding.catalogues import declaration_with_metrics

if TYPE_CHECKING:
    from abkit.analysis.findings.observed_metric import ObservedMetric

LENGTH = 28
"""So many of the last days are looked at: four weeks, as weekdays differ."""

_MEANING = (
    "Of the last {length} days of the events: units are those that did anything, each from its first action "
    "in that time. The last column is the smallest relative change that two equal variants find with a power "
    "of {power:.0%} in {days} days, if all units take part that did anything in the first {days} of these: "
    "by Welch's test, looked at once, at {confidence:.0%} confidence. For the plan of an experiment, "
    "call: abkit power NAME --from-events DIR"
)


@click.command()
@config_option
@stored_events_option
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as JSON.")
def metrics(*, config: str | None, events: str | None, as_json: bool) -> None:
    """List the metrics with their definitions and the experiments that use them.

    These are the METRICS of the module, or of the module named by `metrics` in [tool.abkit] of
    pyproject.toml, and those that experiments declare themselves. With stored events, show what each was
    in the last 28 days.
    """
    catalogue = configured_catalogue(config)
    declarations = [declaration_with_metrics(each) for each in configured_experiments(config)]
    listed = used_metrics(catalogue, declarations)
    if not listed:
        message = "there are no metrics: declare METRICS = [...] in the module, or metrics of an experiment"
        raise click.UsageError(message)
    where = configured_events(events)
    unit_types = tuple(dict.fromkeys(each.unit_type for each in declarations)) or ("user",)
    found = [] if where is None else _observed(listed, where, unit_types)
    if as_json:
        _print_json(listed, found, measured=where is not None)
        return
    out = console()
    from abkit.analysis.findings.observed_metric import OneLookTest
    from abkit.analysis.presentation.terminal.catalogue import show_metrics, show_observed

    show_metrics(listed, out, has_catalogue=catalogue is not None)
    if where is not None:
        test = OneLookTest()
        out.print()
        show_observed(found, out, test=test)
        out.print()
        meaning = _MEANING.format(
            length=LENGTH, power=test.power, days=test.days, confidence=1 - test.alpha
        )
        out.print(meaning, style="dim", highlight=False)


def _observed(
    listed: Sequence[UsedMetric], events: str, unit_types: Sequence[str]
) -> "list[ObservedMetric]":
    """What the metrics were of each type of unit: those of their experiments; if there are none, of all.

    Raises:
        AnalysisError: The events cannot be read, or hold no actions.
    """
    from abkit.analysis.observed_metrics import observe_metrics

    tables = stored_tables(events)
    actions = required_actions(events, tables)
    found: list[ObservedMetric] = []
    with progress() as told:
        for unit_type in unit_types:
            found += observe_metrics(
                [each.metric for each in listed if unit_type in (each.unit_types or unit_types)],
                unit_type=unit_type,
                actions=actions,
                identities=tables.get("identities"),
                length=timedelta(days=LENGTH),
                **told,
            )
    order = {each.metric: place for place, each in enumerate(listed)}
    return sorted(found, key=lambda each: order[each.metric])


def _print_json(
    listed: Sequence[UsedMetric], found: "Sequence[ObservedMetric]", *, measured: bool
) -> None:
    from abkit.analysis.findings.observed_metric import OneLookTest
    from abkit.analysis.presentation.export.catalogue import document, observed

    told: dict[str, Any] = {"metrics": document(listed)}
    if measured:
        told["observed"] = {"length_days": LENGTH, **observed(found, OneLookTest())}
    click.echo(json.dumps(told, indent=2, allow_nan=False))
