"""Whether days are missing in the data, and whether the newest are late: pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median

from attrs import frozen

from abkit.analysis.amounts import amount
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.analysis.findings.shape import EXPECTED

DAY = timedelta(days=1)
_SHOWN = 5


@frozen(kw_only=True)
class DataHealth:
    """How complete the data are.

    Attributes:
        newest: The newest exposure, UTC; None if there is none.
        daily: How many new units a day usually has: the median of the days that are over.
        without_units: Days between the first and the newest exposure without any new unit, though `EXPECTED`
            or more were to be expected, UTC.
        without_actions: Days with new units in which no metric counted anything, likewise.
        incomplete: Exposures without a unit, a variant or a time.
        lacking: What actions lack that metrics want, in sentences.
    """

    newest: datetime | None = None
    daily: float = 0.0
    without_units: tuple[date, ...] = ()
    without_actions: tuple[date, ...] = ()
    incomplete: int = 0
    lacking: tuple[str, ...] = ()


def data_health(sums: ExperimentSums) -> DataHealth:
    """How complete the data are of which the sums were read."""
    exposed = sums.exposed
    units: dict[date, int] = {}
    for (start, _, _), came in exposed.by_period.items():
        day = start.astimezone(UTC).date()
        units[day] = units.get(day, 0) + came
    whole = _whole_days(units)
    usual = float(median(units.get(day, 0) for day in whole)) if whole else 0.0
    without = tuple(day for day in whole if not units.get(day)) if usual >= EXPECTED else ()
    counted = _counted(sums)
    typical = median(counted.get(day, 0) for day in whole) if whole else 0
    return DataHealth(
        newest=exposed.latest,
        daily=usual,
        without_units=without,
        without_actions=tuple(
            day for day in whole if units.get(day) and day in counted and not counted[day]
        )
        if typical >= EXPECTED
        else (),
        incomplete=exposed.incomplete,
        lacking=sums.measured.absences,
    )


def age_if_late(health: DataHealth, now: datetime) -> timedelta | None:
    """How old the newest exposure is, if newer ones were to be expected; None: they were not.

    A day is always waited for: much is loaded at night. An experiment of few units is waited for until
    `EXPECTED` of them should have come.

    Args:
        health: Of an experiment that exposes units now.
        now: The time.
    """
    if health.newest is None:
        return None
    patience = max(DAY, DAY * (EXPECTED / health.daily)) if health.daily else EXPECTED * DAY
    age = now - health.newest
    return age if age > patience else None


def faults(health: DataHealth, late: timedelta | None) -> Iterator[str]:
    """What is wrong with the data, in a few words each.

    Args:
        health: Of the data.
        late: As `age_if_late` gives it.
    """
    if late is not None:
        yield f"newest exposure {old(late)}"
    if health.without_units:
        yield f"{amount(len(health.without_units), 'day')} without exposures"
    if health.without_actions:
        yield f"{amount(len(health.without_actions), 'day')} without actions"
    if health.incomplete:
        yield f"{amount(health.incomplete, 'incomplete exposure')}"
    if health.lacking:
        yield "incomplete actions"


def explained(health: DataHealth, late: timedelta | None) -> Iterator[str]:
    """The same in sentences, with what may be the cause; nothing of what other warnings say."""
    if late is not None:
        yield (
            f"The newest exposure is {old(late)}, though the experiment runs: events may be late, exposures "
            "may be lost, or no unit comes any more."
        )
    if health.without_units:
        yield (
            f"{_days(health.without_units)} no new unit, and a usual day has {health.daily:,.0f}: events may "
            "not have been loaded, or the experiment was switched off."
        )
    if health.without_actions:
        yield (
            f"{_days(health.without_actions)} no action that a metric counts, though units came: actions may "
            "not have been loaded."
        )


def old(age: timedelta) -> str:
    """An age in words, such as "3 days old"."""
    days = age // DAY
    return (
        f"{amount(days, 'day')} old" if days else f"{amount(age // timedelta(hours=1), 'hour')} old"
    )


def _days(days: Sequence[date]) -> str:
    shown = ", ".join(each.isoformat() for each in days[:_SHOWN])
    more = len(days) - _SHOWN
    which = f"{shown} and {amount(more, 'more day')}" if more > 0 else shown
    return f"{which} {'has' if len(days) == 1 else 'have'}"


def _whole_days(units: Mapping[date, int]) -> list[date]:
    """The days between the first one with units and the last one, which themselves are seldom whole."""
    if not units:
        return []
    first, last = min(units), max(units)
    return [first + DAY * number for number in range(1, min((last - first).days, 10_000))]


def _counted(sums: ExperimentSums) -> dict[date, int]:
    """How many units converted on each day, in all binary metrics; no day where there is none."""
    binary = [each for each in sums.measured.estimands if each.metric.binary]
    looks = sums.measured.looks
    if not binary or not looks:
        return {}
    totals: dict[date, int] = {}
    for end, found in looks:
        day = (end.astimezone(UTC) - timedelta(microseconds=1)).date()
        totals[day] = sum(
            each.conversions(of) or 0 for of in found.values() for each in binary if each.units(of)
        )
    return {day: totals[day] - totals[before] for before, day in pairwise(totals)}
