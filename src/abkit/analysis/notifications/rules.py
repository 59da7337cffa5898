"""When something is worth a notification."""

from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, Self

from attrs import Attribute, field, frozen

from abkit.errors import AnalysisError

if TYPE_CHECKING:
    from abkit.experiments.declaring.declaration import Declaration


def _not_negative(_rules: "Rules", attribute: "Attribute[Any]", value: float) -> None:
    if not isfinite(value) or value < 0:
        message = f"{attribute.name} must be a number from 0, not {value!r}"
        raise AnalysisError(message)


@frozen(kw_only=True)
class Rules:
    """When something is worth a notification.

    Attributes:
        around_start: Days before and after the declared start in which it is told.
        long_running: Days after the first exposures from which an experiment without a declared end
            is long-running.
        overdue: Days after its declared end from which an experiment is long-running that is still
            not concluded.
        minimum_days: Days after the first exposures before which nothing is told of the numbers.
            "After the first exposures" is from the end of the first day (or hour) that has some.
        minimum_units: Units of all arms below which nothing is told of the numbers.
    """

    around_start: float = field(default=2.0, validator=_not_negative)
    long_running: float = field(default=28.0, validator=_not_negative)
    overdue: float = field(default=7.0, validator=_not_negative)
    minimum_days: float = field(default=1.0, validator=_not_negative)
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
