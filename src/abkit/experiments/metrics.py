"""What success means: pure declarations, which the analysis reads."""

from enum import StrEnum
from typing import ClassVar

from attrs import Attribute, field, frozen, validators

from abkit.errors import DeclarationError


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


def _named(metric: "Metric", attribute: "Attribute[str]", value: str) -> None:
    if not isinstance(value, str) or not value.strip():
        problem = f"`{attribute.name}` must be a name that is not empty, not {value!r}"
        raise DeclarationError(type(metric).__name__, problem)


def _positive(metric: "Metric", attribute: "Attribute[float | None]", value: float | None) -> None:
    if value is not None and not 0 < value < float("inf"):
        problem = (
            f"`{attribute.name}` must be a relative change above 0 such as 0.02 for 2%, "
            f"not {value!r}; `direction` says which way"
        )
        raise DeclarationError(type(metric).__name__, problem)


def _direction(value: str | Direction) -> Direction:
    try:
        return Direction(value)
    except ValueError:
        problem = f"`direction` must be one of {', '.join(Direction)}, not {value!r}"
        raise DeclarationError("metric", problem) from None


def _role(value: str | Role) -> Role:
    try:
        return Role(value)
    except ValueError:
        problem = f"`role` must be one of {', '.join(Role)}, not {value!r}"
        raise DeclarationError("metric", problem) from None


@frozen
class Metric:
    """What all metrics have. Use one of its subclasses.

    Attributes:
        name: How reports call it.
        direction: Which way it should move.
        goal: The smallest relative change of the control's mean that is worth having: 0.02 is 2%.
            None: the sequential test looks for 10%, and there is no badge about the goal.
        role: What the metric is for.
    """

    binary: ClassVar[bool] = False

    name: str = field(validator=_named)
    direction: Direction = field(kw_only=True, default=Direction.INCREASE, converter=_direction)
    goal: float | None = field(kw_only=True, default=None, validator=_positive)
    role: Role = field(kw_only=True, default=Role.PRIMARY, converter=_role)


@frozen
class Conversion(Metric):
    """The share of units that did the action at least once.

    Attributes:
        action: The action's name; `name` unless said otherwise. In a table with one row per unit,
            the column that says whether the unit converted.
    """

    binary: ClassVar[bool] = True

    action: str = field(kw_only=True, validator=_named)

    @action.default
    def _action(self) -> str:
        return self.name


@frozen
class Total(Metric):
    """The number of times the action was done, per unit.

    Attributes:
        action: The action's name; `name` unless said otherwise.
    """

    action: str = field(kw_only=True, validator=_named)

    @action.default
    def _action(self) -> str:
        return self.name


@frozen
class Sum(Metric):
    """The sum of a property of the action, per unit; units without the action count as 0.

    Attributes:
        action: The action's name; `name` unless said otherwise.
        property: The numeric property, such as "price".
    """

    property: str = field(kw_only=True, validator=_named)
    action: str = field(kw_only=True, validator=_named)

    @action.default
    def _action(self) -> str:
        return self.name


@frozen
class Mean(Metric):
    """The mean of a value that already is one per unit: a column of a table of units.

    Attributes:
        column: The numeric column; `name` unless said otherwise.
    """

    column: str = field(kw_only=True, validator=[validators.instance_of(str), _named])

    @column.default
    def _column(self) -> str:
        return self.name
