"""The effect by days since exposure, as tables of the report."""

from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis.findings.novelty import Novelty
from abkit.analysis.presentation import figures, novelty
from abkit.analysis.statistics.days import early_days

if TYPE_CHECKING:
    from abkit.analysis.inference.comparison import Comparison
    from abkit.analysis.outcome import Outcome


@frozen(kw_only=True)
class DayRow:
    """One variant on one day, or in one part of the time, as texts."""

    when: str
    variant: str
    units: str
    control: str
    mean: str
    lift: str
    interval: str


@frozen(kw_only=True)
class TableByDay:
    """One metric by days since exposure.

    Attributes:
        metric: Its name.
        value: "Rate" or "Mean".
        level: The confidence of the intervals.
        about: What is shown.
        said: By variant, what the test says.
        changes: The variants whose effect changes.
        rows: The days, and the parts of the time that the test compares.
    """

    metric: str
    value: str
    level: str
    about: str
    said: tuple[tuple[str, str], ...]
    changes: tuple[str, ...]
    rows: tuple[DayRow, ...]


def tables_by_day(result: "Outcome") -> tuple[TableByDay, ...]:
    """A table for each metric that was measured by days since exposure."""
    return tuple(_table(found, result) for found in result.novelty)


def _table(found: Novelty, result: "Outcome") -> TableByDay:
    days = max((len(effect.days) for effect in found.treatments), default=0)
    rows = [
        _row(str(day), effect.variant, effect.days[day])
        for day in range(days)
        for effect in found.treatments
        if day < len(effect.days)
    ]
    first = early_days(found.length)
    for effect in found.treatments:
        if effect.early is not None and effect.late is not None:
            rows.append(_row(f"0 to {first - 1}", effect.variant, effect.early))
            rows.append(_row(f"{first} to {found.length - 1}", effect.variant, effect.late))
    return TableByDay(
        metric=found.metric.name,
        value="Rate" if found.metric.binary else "Mean",
        level=figures.confidence(result.plan),
        about=novelty.about(found),
        said=tuple((effect.variant, novelty.said(found, effect)) for effect in found.treatments),
        changes=tuple(effect.variant for effect in found.treatments if effect.trend is not None),
        rows=tuple(rows),
    )


def _row(when: str, variant: str, comparison: "Comparison | None") -> DayRow:
    if comparison is None:
        nothing = figures.NOTHING
        return DayRow(
            when=when,
            variant=variant,
            units=nothing,
            control=nothing,
            mean=nothing,
            lift=nothing,
            interval=nothing,
        )
    return DayRow(
        when=when,
        variant=variant,
        units=f"{comparison.treatment.n:,}",
        control=f"{comparison.control.mean:.4g}",
        mean=f"{comparison.treatment.mean:.4g}",
        lift=figures.lift(comparison),
        interval=figures.interval(comparison),
    )
