"""The metrics of a project for a terminal: what they are, who uses them, and what they were lately."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from abkit.analysis.findings.observed_metric import ObservedMetric, OneLookTest
from abkit.analysis.presentation import figures
from abkit.analysis.presentation.definitions import in_words
from abkit.analysis.presentation.figures import legible
from abkit.analysis.presentation.terminal.tables import Column, show_table
from abkit.experiments.checking.metric_uses import UsedMetric
from abkit.experiments.declaring.metrics import Metric

if TYPE_CHECKING:
    from rich.console import Console


def show_metrics(listed: Sequence[UsedMetric], console: "Console", *, has_catalogue: bool) -> None:
    """Print a table of the metrics: what each is, and which experiments use it.

    Args:
        listed: The metrics.
        console: Where to.
        has_catalogue: Whether there is a catalogue, so that a metric can be missing in it.

    Raises:
        MissingExtraError: rich is not installed.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for head in ("metric", "what it measures", "used by"):
        table.add_column(head, overflow="fold")
    for each in listed:
        strange = "\n(not in the catalogue)" if has_catalogue and not each.in_catalogue else ""
        table.add_row(
            Text(legible(each.metric.name), "bold").append(strange, "dim not bold"),
            Text(legible(f"{in_words(each.metric)}; {figures.wanted(each.metric)}")),
            Text(_users(each)),
        )
    console.print(table)


def show_observed(
    observed: Iterable[ObservedMetric], console: "Console", *, test: OneLookTest
) -> None:
    """Print what metrics were: mean, deviation, units a day, and the change that a test would find.

    Args:
        observed: What they were.
        console: Where to.
        test: The test.

    Raises:
        MissingExtraError: rich or scipy is not installed.
    """
    found = [*observed]
    known = [each for each in found if each.baseline is not None]
    if known:
        columns = [
            Column("metric", name=True),
            Column("unit", left=True),
            Column("mean"),
            Column("deviation", spare=1),
            Column("new units\na day"),
            Column(f"found in\n{test.days} days"),
        ]
        rows = [_row(each, test) for each in known]
        show_table(columns, rows, console)
    for each in found:
        if each.problem:
            console.print(
                legible(f"{each.metric.name} (by {each.unit_type}) {each.problem}"),
                markup=False,
                highlight=False,
                soft_wrap=True,
            )


def _users(used: UsedMetric) -> str:
    """The experiments that use a metric, each with its role there."""
    said = (
        f"{legible(use.experiment)}: {use.role.value}, by {legible(use.unit_type)}"
        for use in used.uses
    )
    return "\n".join(said) or "no experiment"


def _row(each: ObservedMetric, test: OneLookTest) -> tuple[str, ...]:
    change = each.detectable(test)
    return (
        each.metric.name,
        each.unit_type,
        _value(each.metric, each.mean),
        _value(each.metric, each.deviation),
        f"{each.per_day:,.0f}" if each.per_day >= 10 else f"{each.per_day:.1f}",
        figures.NOTHING if change is None else f"±{100 * change:,.3g}%",
    )


def _value(metric: Metric, value: float | None) -> str:
    if value is None:
        return figures.NOTHING
    return figures.percent(value) if metric.binary else figures.number(value)
