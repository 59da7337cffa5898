"""How many units were exposed by when: pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate, pairwise
from types import MappingProxyType

from attrs import evolve, frozen

from abkit.analysis.findings.shape import diagnose
from abkit.errors import AnalysisError

DAY = timedelta(days=1)

LONGEST = 10_000
"""More periods are not filled: somewhere, a clock was wrong by years."""


@frozen(kw_only=True)
class CumulativeUnits:
    """How many units were exposed up to the end of each day or hour.

    Attributes:
        ends: The end of each day (or hour) in which some unit was first exposed, UTC, in order.
        units: By variant, one number for each of these.
        complete: Whether the last one is over; its numbers may still grow otherwise.
        diagnosis: What their shape says, in sentences; empty if nothing is to be said.
    """

    ends: tuple[datetime, ...]
    units: Mapping[str, tuple[int, ...]]
    complete: bool = True
    diagnosis: tuple[str, ...] = ()


def cumulative(
    new: Mapping[str, Mapping[datetime, int]],
    *,
    step: timedelta = DAY,
    until: datetime | None = None,
    weights: Mapping[str, float] | None = MappingProxyType({}),
) -> CumulativeUnits:
    """Add up the new units of each day or hour; one without new units adds none.

    Args:
        new: Per variant, the control first: the units first exposed in each period, by its start, UTC.
        step: The length of a period.
        until: The time of the last event in the data, or now where they still arrive, UTC: up to it
            the absence of units is known, and a period that ends later is not complete. None: the
            last period is taken for complete.
        weights: The designed share of each variant; empty: equal shares; None: they are not known, or
            were not always the same, so that nothing is said of the variants' shares.

    Raises:
        AnalysisError: Periods do not start whole steps apart.
    """
    starts = _filled(sorted({start for of in new.values() for start in of}), step, until)
    ends = tuple(start + step for start in starts)
    curve = CumulativeUnits(
        ends=ends,
        units=MappingProxyType(
            {
                variant: tuple(accumulate(of.get(start, 0) for start in starts))
                for variant, of in new.items()
            }
        ),
        complete=not ends or until is None or ends[-1] <= until,
    )
    days, daily = _by_day(curve)
    return evolve(curve, diagnosis=diagnose(daily, days=days, weights=weights))


def _filled(
    found: Sequence[datetime], step: timedelta, until: datetime | None
) -> tuple[datetime, ...]:
    """The starts of all periods from the first one found to the last one known of."""
    if not found:
        return ()
    first, last = found[0], found[-1]
    if any((start - first) % step for start in found):
        message = f"Periods must start whole steps of {step} after the first one, {first}"
        raise AnalysisError(message)
    if until is not None and until > last + step:
        last = first + (until - first) // step * step
        last -= step if last == until else timedelta(0)  # it has not begun
    periods = (last - first) // step + 1
    if periods > LONGEST:
        return tuple(found)
    return tuple(first + step * number for number in range(periods))


def _by_day(curve: CumulativeUnits) -> tuple[list[datetime], dict[str, list[int]]]:
    """The UTC days that are over, by their start, and the new units of each in every variant."""
    last = len(curve.ends) - (0 if curve.complete else 1)
    places = [p for p in range(last) if curve.ends[p].astimezone(UTC).time() == time(0)]
    daily = {
        variant: [b - a for a, b in pairwise([0, *(numbers[place] for place in places)])]
        for variant, numbers in curve.units.items()
    }
    return [curve.ends[place] - DAY for place in places], daily
