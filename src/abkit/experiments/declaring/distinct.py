"""Metrics that count what differs, however often it was repeated: values of a property, days."""

from attrs import field, frozen

from abkit.experiments.declaring import metric_fields as fields
from abkit.experiments.declaring.metric import ActionMetric, Measured


@frozen
class Distinct(ActionMetric, Measured):
    """The number of different values of a property of the action, per unit.

    Values are told apart by their text, so 1, 1.0 and "1" are one value; an action without a value counts
    none.

    Attributes:
        action: The action's name; `name` unless said otherwise.
        property: The property, such as "item". "user_id" is the user who did the action: how many
            people of an organization did it.
    """

    property: str = field(kw_only=True, validator=fields.named)
    action: str = field(kw_only=True, validator=fields.named)

    @action.default
    def _action(self) -> str:
        return self.name


@frozen
class ActiveDays(ActionMetric, Measured):
    """The number of different days, of UTC, on which the action was done, per unit.

    Attributes:
        action: The action's name; `name` unless said otherwise.
    """

    action: str = field(kw_only=True, validator=fields.named)

    @action.default
    def _action(self) -> str:
        return self.name
