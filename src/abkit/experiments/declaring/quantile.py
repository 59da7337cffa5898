"""The quantile of what was done: a declaration, which the analysis reads."""

from enum import StrEnum
from typing import Any

from attrs import Attribute, field, frozen

from abkit.errors import DeclarationError
from abkit.experiments.declaring import metric_fields as fields
from abkit.experiments.declaring.metric import ActionMetric


class Per(StrEnum):
    """What a quantile is taken over."""

    EVENT = "event"
    """All actions of all units of an arm."""
    UNIT = "unit"
    """The units of an arm, each with the sum of its actions; without any, 0."""


def _per(value: str | Per) -> Per:
    try:
        return Per(value)
    except ValueError:
        problem = f"`per` must be one of {', '.join(Per)}, not {value!r}"
        raise DeclarationError("Quantile", problem) from None


def _share(_: object, __: "Attribute[Any]", value: float) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and 0 < value < 1:
        return
    hint = f": write {value / 100:g} for {value:g}%" if is_number and 1 < value < 100 else ""
    problem = f"`q` must be a share between 0 and 1 such as 0.95, not {value!r}{hint}"
    raise DeclarationError("Quantile", problem)


@frozen
class Quantile(ActionMetric):
    """The quantile of a property over all actions of an arm; with `per="unit"`, over its units.

    The units stay what is randomized: the actions of one unit depend on each other, which the standard
    error knows. Equal values are interpolated between, so it can lie between two values: see
    docs/concepts/metrics.md.

    Attributes:
        action: The action's name; `name` unless said otherwise.
        property: The numeric property, such as "ms". Actions without a number are left out.
        q: Which quantile: 0.5 is the median, 0.95 the value that 5% of all are above.
        per: "event": of the values of all actions; "unit": of the sums of the units, 0 without the action.
    """

    property: str = field(kw_only=True, validator=fields.named)
    q: float = field(kw_only=True, validator=_share)
    per: Per = field(kw_only=True, default=Per.EVENT, converter=_per)
    action: str = field(kw_only=True, validator=fields.named)

    @action.default
    def _action(self) -> str:
        return self.name
