"""What the fields of metrics may be: the words, the limits, and what is refused."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from sys import float_info
from typing import Any

from attrs import Attribute, field, frozen

from abkit.errors import DeclarationError, suggestion

LONGEST = timedelta(days=36_500)
"""Times are calculated with, and there is no year 10,000."""

_LARGEST_GOAL = 1
"""Twice the control's mean; what is above was meant as percent."""


class Direction(StrEnum):
    """Which way a metric should move."""

    INCREASE = "increase"
    DECREASE = "decrease"
    ANY = "any"


class Role(StrEnum):
    """What a metric is for: the first primary metric decides, a guardrail must not get worse."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    GUARDRAIL = "guardrail"


def named(metric: object, attribute: "Attribute[Any]", value: str) -> None:
    """Refuse a name that is empty."""
    if not isinstance(value, str) or not value.strip():
        problem = f"`{attribute.name}` must be a name that is not empty, not {value!r}"
        raise DeclarationError(type(metric).__name__, problem)


def positive(metric: object, attribute: "Attribute[float | None]", value: float | None) -> None:
    """Refuse what is no change above 0, and what was meant as percent."""
    if value is None:
        return
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= _LARGEST_GOAL:
        problem = (
            f"`{attribute.name}` must be a relative change above 0 such as 0.02 for 2%, "
            f"not {value!r}; `direction` says which way"
        )
        if is_number and _LARGEST_GOAL < value <= float_info.max:
            problem = (
                f"`{attribute.name}` is a relative change, so {value!r} is {value:.0%}: "
                f"write {value / 100:g} for {value:g}%"
            )
        raise DeclarationError(type(metric).__name__, problem)


def margin(metric: Any, attribute: "Attribute[float | None]", value: float | None) -> None:
    """Refuse a margin of what is no guardrail, of what has no worse side, and one that accepts everything."""
    if value is None:
        return
    positive(metric, attribute, value)
    problem = ""
    if metric.role is not Role.GUARDRAIL:
        problem = (
            "`margin` is how much worse a guardrail may get: declare role='guardrail', or leave it out "
            f"of a {metric.role.value} metric"
        )
    elif metric.direction is Direction.ANY:
        problem = (
            "`margin` needs a side that is worse: declare direction='increase' or 'decrease', which is "
            "the better one"
        )
    elif metric.direction is Direction.INCREASE and value >= 1:
        problem = f"`margin` must be below 1, not {value!r}: a mean that falls by all of it is 0"
    if problem:
        raise DeclarationError(type(metric).__name__, problem)


def direction(value: str | Direction) -> Direction:
    """A direction, or its word."""
    try:
        return Direction(value)
    except ValueError:
        problem = f"`direction` must be one of {', '.join(Direction)}, not {value!r}"
        raise DeclarationError("metric", problem) from None


def role(value: str | Role | None) -> Role | None:
    """A role, or its word; None where it is not said."""
    try:
        return None if value is None else Role(value)
    except ValueError:
        problem = f"`role` must be one of {', '.join(Role)}, not {value!r}"
        raise DeclarationError("metric", problem) from None


class Missing(StrEnum):
    """What becomes of a unit that has no value of a metric, in a table of units."""

    ERROR = "error"
    """Nothing is analyzed: every unit needs a value."""
    ZERO = "zero"
    """Its value is 0; of a conversion, it did not convert."""
    DROP = "drop"
    """It is left out of this metric, and counts in the others."""


def missing(value: str | Missing) -> Missing:
    """What becomes of missing values, or its word."""
    try:
        return Missing(value)
    except ValueError:
        problem = (
            f"`missing` must be one of {', '.join(Missing)}, not {value!r}."
            f"{suggestion(str(value), [word.value for word in Missing])}"
        ).removesuffix(".")
        raise DeclarationError("metric", problem) from None


class Counting(StrEnum):
    """How a funnel counts."""

    UNIQUE = "unique"
    """The units that completed it at least once."""
    TOTAL = "total"
    """How often it was completed, per unit."""


class Period(StrEnum):
    """The unit of a retention."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def length(self) -> timedelta:
        """24 hours, 7 times that, or 30 times: no calendar."""
        return timedelta(days={Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 30}[self])


def from_one(metric: object, attribute: "Attribute[int]", value: int) -> None:
    """Refuse what is no whole number from 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        problem = f"`{attribute.name}` must be a whole number from 1, not {value!r}"
        raise DeclarationError(type(metric).__name__, problem)


def in_time(metric: Any, attribute: "Attribute[int]", value: int) -> None:
    """Refuse the n-th period where no calendar has so many."""
    from_one(metric, attribute, value)
    if value > LONGEST // metric.period.length:
        problem = (
            f"`{attribute.name}` must be a {metric.period.value} of the first {LONGEST.days} days (100 "
            f"years), not {value!r}"
        )
        raise DeclarationError(type(metric).__name__, problem)


def duration(
    metric: object, attribute: "Attribute[timedelta | None]", value: timedelta | None
) -> None:
    """Refuse what is no time above 0, and what no calendar has."""
    if value is None:
        return
    problem = ""
    if not (isinstance(value, timedelta) and value > timedelta(0)):
        problem = f"`{attribute.name}` must be a timedelta above 0, not {value!r}"
    elif value > LONGEST:
        problem = (
            f"`{attribute.name}` must be at most {LONGEST.days} days (100 years), not {value!r}"
        )
    if problem:
        raise DeclarationError(type(metric).__name__, problem)


def whether(metric: object, attribute: "Attribute[bool]", value: object) -> None:
    """Refuse what is neither True nor False."""
    if not isinstance(value, bool):
        problem = f"`{attribute.name}` must be True or False, not {value!r}"
        raise DeclarationError(type(metric).__name__, problem)


def too_short(name: str, window: timedelta, begins: timedelta) -> str:
    """What is wrong with a window that is over before a metric can count anything."""
    return (
        f"`window` must be longer than {_span(begins)}, when {name!r} begins to count, not "
        f"{_span(window)}: both are measured from the first exposure"
    )


def _span(time: timedelta) -> str:
    """A length of time: in days, or in hours, minutes and seconds if it is less than one."""
    if time < timedelta(days=1):
        return str(time)
    return f"{time / timedelta(days=1):g} days"


def counting(value: str | Counting) -> Counting:
    """A way of counting, or its word."""
    try:
        return Counting(value)
    except ValueError:
        problem = f"`counting` must be one of {', '.join(Counting)}, not {value!r}"
        raise DeclarationError("Funnel", problem) from None


def period(value: str | Period) -> Period:
    """A period, or its word."""
    try:
        return Period(value)
    except ValueError:
        problem = f"`period` must be one of {', '.join(Period)}, not {value!r}"
        raise DeclarationError("Retention", problem) from None


def steps(metric: object, attribute: "Attribute[tuple[str, ...]]", value: tuple[str, ...]) -> None:
    """Refuse fewer than two actions."""
    if len(value) < 2:
        problem = f"`steps` needs two actions or more, not {list(value)!r}"
        raise DeclarationError(type(metric).__name__, problem)
    for step in value:
        named(metric, attribute, step)


def in_order(value: Sequence[str]) -> tuple[str, ...]:
    """A list of actions; one text is none."""
    if isinstance(value, str):
        problem = f"`steps` must be a list of actions, not {value!r}"
        raise DeclarationError("Funnel", problem)
    return tuple(value)


@frozen
class Winsorize:
    """Values beyond a limit count as the limit, so that a few huge ones do not drown the rest.

    Attributes:
        upper: The upper limit, in the metric's unit.
        lower: The lower limit.
        upper_percentile: The upper limit is this percentile of the units of all arms together, such as
            99.
        lower_percentile: The lower limit likewise, such as 1.
    """

    upper: float | None = field(kw_only=True, default=None)
    lower: float | None = field(kw_only=True, default=None)
    upper_percentile: float | None = field(kw_only=True, default=None)
    lower_percentile: float | None = field(kw_only=True, default=None)

    def __attrs_post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise DeclarationError("Winsorize", problem)

    def _problem(self) -> str | None:
        for side, value, percentile in [
            ("upper", self.upper, self.upper_percentile),
            ("lower", self.lower, self.lower_percentile),
        ]:
            if value is not None and percentile is not None:
                return f"give `{side}` or `{side}_percentile`, not both"
            if percentile is not None and not 0 < percentile < 100:
                return (
                    f"`{side}_percentile` must be between 0 and 100, such as 99, not {percentile!r}"
                )
            if value is not None and not abs(value) < float("inf"):
                return f"`{side}` must be a finite number, not {value!r}"
        for low, high in [
            (self.lower, self.upper),
            (self.lower_percentile, self.upper_percentile),
        ]:
            if low is not None and high is not None and not low < high:
                return f"the lower limit must be below the upper one, not {low!r} and {high!r}"
        given = [self.upper, self.lower, self.upper_percentile, self.lower_percentile]
        return "needs a limit, such as upper_percentile=99" if given == [None] * 4 else None
