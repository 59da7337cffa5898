"""The effect by days since exposure, as tables of the report."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis.findings.novelty import EffectByDay, Novelty
from abkit.analysis.presentation import figures, novelty
from abkit.analysis.presentation.report.numbers import Look, bodies, cell
from abkit.analysis.statistics.days import early_days

if TYPE_CHECKING:
    from markupsafe import Markup

    from abkit.analysis.inference.comparison import Comparison
    from abkit.analysis.outcome import Outcome


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
        body: The rows of the table: the days, and the parts of the time that the test compares.
    """

    metric: str
    value: str
    level: str
    about: str
    said: tuple[tuple[str, str], ...]
    changes: tuple[str, ...]
    body: "Markup"


def tables_by_day(result: "Outcome") -> tuple[TableByDay, ...]:
    """A table for each metric that was measured by days since exposure."""
    return tuple(_table(found, result) for found in result.novelty)


def _table(found: Novelty, result: "Outcome") -> TableByDay:
    return TableByDay(
        metric=found.metric.name,
        value="Rate" if found.metric.binary else "Mean",
        level=figures.confidence(result.plan),
        about=novelty.about(found),
        said=tuple((effect.variant, novelty.said(found, effect)) for effect in found.treatments),
        changes=tuple(effect.variant for effect in found.treatments if effect.trend is not None),
        body=bodies(_looks(found)),
    )


def _looks(found: Novelty) -> Iterator[Look]:
    """The days, as the stops of the chart, and after them the parts."""
    for day in range(max((len(effect.days) for effect in found.treatments), default=0)):
        rows = [_row(effect.variant, _on(effect, day)) for effect in found.treatments]
        yield Look(str(day), rows)
    first = early_days(found.length)
    both = [e for e in found.treatments if e.early is not None and e.late is not None]
    if both:
        yield Look(f"0 to {first - 1}", [_row(e.variant, e.early) for e in both])
        yield Look(f"{first} to {found.length - 1}", [_row(e.variant, e.late) for e in both])


def _on(effect: EffectByDay, day: int) -> "Comparison | None":
    """What is known of a day; None if nothing is."""
    return effect.days[day] if day < len(effect.days) else None


def _row(variant: str, comparison: "Comparison | None") -> list[str]:
    if comparison is None:
        return [cell(variant), *[figures.NOTHING] * 5]
    return [
        cell(variant),
        f"{comparison.treatment.n:,}",
        f"{comparison.control.mean:.4g}",
        f"{comparison.treatment.mean:.4g}",
        figures.lift(comparison),
        figures.interval(comparison),
    ]
