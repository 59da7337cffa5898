"""Thresholds of the alerts, and the dates that they are compared with."""

from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, Self

from attrs import Attribute, field, frozen

from abkit.errors import AnalysisError
from abkit.experiments.declaring.metric_fields import LONGEST
from abkit.former_names import former_names

if TYPE_CHECKING:
    from abkit.experiments.declaring.declaration import Declaration


def _days(_rules: "AlertRules", attribute: "Attribute[Any]", value: float) -> None:
    if not 0 <= value <= LONGEST.days:
        message = (
            f"{attribute.name} must be a number of days from 0 to {LONGEST.days:,}, not {value!r}"
        )
        raise AnalysisError(message)


def _not_negative(_rules: "AlertRules", attribute: "Attribute[Any]", value: float) -> None:
    if not isfinite(value) or value < 0:
        message = f"{attribute.name} must be a number from 0, not {value!r}"
        raise AnalysisError(message)


@frozen(kw_only=True)
class AlertRules:
    """The thresholds of the alerts.

    Attributes:
        around_start: Days before and after the declared start in which an alert announces it.
        long_running: Days after the first exposures from which an experiment without a declared end
            is long-running.
        overdue: Days after its declared end from which an experiment is long-running that is still
            not concluded.
        minimum_days: Days after the first exposures before which no alert about the numbers fires.
            They are counted from the end of the first day (or hour) that has exposures.
        minimum_units: Units of all arms together below which no alert about the numbers fires.
    """

    around_start: float = field(default=2.0, validator=_days)
    long_running: float = field(default=28.0, validator=_days)
    overdue: float = field(default=7.0, validator=_days)
    minimum_days: float = field(default=1.0, validator=_days)
    minimum_units: int = field(default=200, validator=_not_negative)


@frozen(kw_only=True)
class Schedule:
    """The declared dates of an experiment.

    Attributes:
        name: The experiment's name.
        starts: When it begins, UTC; None if it always did.
        ends: When it is over, UTC; None if it never is.
    """

    name: str
    starts: datetime | None = None
    ends: datetime | None = None

    @classmethod
    def of(cls, declaration: "Declaration") -> Self:
        """The dates that a declaration has."""
        return cls(
            name=declaration.name,
            starts=_moment(declaration.starts),
            ends=_moment(declaration.ends),
        )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


__getattr__: Callable[[str], Any] = former_names(globals(), {"Rules": "AlertRules"})
