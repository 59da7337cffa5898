"""What metrics have in common."""

from datetime import timedelta

from attrs import field, frozen

from abkit.errors import DeclarationError
from abkit.experiments.declaring import metric_fields as fields
from abkit.experiments.declaring.conditions import Condition
from abkit.experiments.declaring.expressions import Operand
from abkit.experiments.declaring.metric_fields import Direction, Role, Winsorize
from abkit.experiments.declaring.where import where


@frozen
class Metric(Operand):
    """What all metrics have. Use one of its subclasses.

    Attributes:
        name: How reports call it.
        direction: Which way it should move.
        goal: The smallest relative change of the control's mean that is worth having: 0.02 is 2%.
            None: the sequential test looks for what can be found at its first look, and there is no badge
            about the goal.
        margin: Of a guardrail, the largest relative worsening of the control's mean that is acceptable:
            0.02 is 2%. The guardrail is then fine once a worse change is ruled out. None: it is fine
            unless it is significantly worse.
        role: What the metric is for; it is given as `role=`. Unless said otherwise, the first metric of
            an experiment is primary, and those after it are secondary. Two metrics that differ in
            nothing else are equal.
    """

    name: str = field(validator=fields.named)
    direction: Direction = field(
        kw_only=True, default=Direction.INCREASE, converter=fields.direction
    )
    goal: float | None = field(kw_only=True, default=None, validator=fields.positive)
    margin: float | None = field(kw_only=True, default=None, validator=fields.margin)
    declared_role: Role | None = field(
        kw_only=True, default=None, converter=fields.role, alias="role", eq=False, repr=False
    )

    @property
    def role(self) -> Role:
        """What the metric is for: primary, if it was not said and no metric comes before it."""
        return self.declared_role or Role.PRIMARY

    @property
    def binary(self) -> bool:
        """Whether each unit either converts or does not."""
        return False

    def __str__(self) -> str:
        return self.name


@frozen(slots=False)
class ActionMetric(Metric):
    """What metrics of actions have. Use one of its subclasses.

    Attributes:
        where: Which of the actions count, by their properties: a condition such as `prop("amount") > 10`, or
            a mapping such as {"plan": "paid"}; None: all. Of several actions, it holds for each.
        delay: How long after a unit's first exposure its actions begin to count; None: at once.
        window: How long after it they no longer count, the end left out; it holds instead of the plan's
            `window`, also where it is longer. None: as the plan says.
        mature_only: Count only units whose window is over by the end of the data; the others wait. It
            needs a window, of the metric or of the plan.
    """

    where: Condition | None = field(kw_only=True, default=None, converter=where)
    delay: timedelta | None = field(kw_only=True, default=None, validator=fields.duration)
    window: timedelta | None = field(kw_only=True, default=None, validator=fields.duration)
    mature_only: bool = field(kw_only=True, default=False, validator=fields.whether)

    def __attrs_post_init__(self) -> None:
        if self.window is not None and self.window <= self.begins:
            problem = fields.too_short(self.name, self.window, self.begins)
            raise DeclarationError(type(self).__name__, problem)

    @property
    def begins(self) -> timedelta:
        """How long after a unit's first exposure it can be counted at the earliest."""
        return self.delay or timedelta(0)


@frozen
class Measured(Metric):
    """What metrics of a value per unit have. Use one of its subclasses.

    Attributes:
        winsorize: Limits of the value; None: none.
        log: Take ln(1 + value), after the limits; 0 where the value is -1 or less.
    """

    winsorize: Winsorize | None = field(kw_only=True, default=None)
    log: bool = field(kw_only=True, default=False)
