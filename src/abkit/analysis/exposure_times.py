"""When the units of an experiment were exposed, as far as their counts by day (or hour) tell: pure."""

from datetime import UTC, datetime, timedelta

from abkit.analysis.aggregation.exposures import ExposedUnits
from abkit.analysis.declared.design import Design

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def exposure_period(
    exposed: ExposedUnits, until: datetime | None = None
) -> tuple[datetime, datetime] | None:
    """From the start of the first period in which a unit was exposed to the last exposure.

    Args:
        exposed: The units.
        until: Before this they were exposed; None: it is open.
    """
    if exposed.latest is None or not exposed.by_period:
        return None
    last = exposed.latest
    if until is not None:
        last = min(last, until - timedelta(microseconds=1))
    return min(start for start, *_ in exposed.by_period), last


def elapsed(exposed: ExposedUnits) -> timedelta:
    """The length of the period; 0 if there is none."""
    found = exposure_period(exposed)
    return timedelta(0) if found is None else found[1] - found[0]


def is_over(design: Design, exposed: ExposedUnits) -> bool:
    """Whether the exposures reach the declared end."""
    return design.ends is not None and exposed.latest is not None and exposed.latest >= design.ends


def counted_until(
    exposed: ExposedUnits, until: datetime | None, *, made: datetime, step: timedelta
) -> datetime | None:
    """Up to when it is known how many units came; the day (or hour) of the last exposure may be over."""
    latest = exposed.latest
    if latest is None or until is None:
        return latest
    ends = latest - (latest - _EPOCH) % step + step
    return max(latest, min(ends, exposed.known(until, made=made)))


def units_by_period(exposed: ExposedUnits, variant: str) -> dict[datetime, int]:
    """The new units of a variant, by the start of their day (or hour)."""
    found: dict[datetime, int] = {}
    for (start, of, _), units in exposed.by_period.items():
        if of == variant:
            found[start] = found.get(start, 0) + units
    return found
