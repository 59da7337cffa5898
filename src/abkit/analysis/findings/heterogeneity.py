"""Whether an effect is the same in all values of a property, as values."""

from attrs import frozen

from abkit.experiments.declaring.metrics import Metric


@frozen(kw_only=True)
class PartEffect:
    """The effect among the units of one value, and among those of others.

    Attributes:
        value: The property's value, as text; None for units without one.
        units: The units of both variants.
        difference: Treatment mean minus control mean, in the metric's unit, without CUPED.
        lift: The difference divided by the control's mean; None where that is undefined.
        rest: The difference among the units of the other values.
        rest_lift: Their lift; None where that is undefined.
        corrected_p: Of "this value reacts like the others", corrected for the number of values, and for
            that of properties and variants.
    """

    value: str | None
    units: int
    difference: float
    lift: float | None
    rest: float
    rest_lift: float | None
    corrected_p: float


@frozen(kw_only=True)
class Heterogeneity:
    """Whether a variant has the same effect in all values of a property.

    Attributes:
        metric: The metric.
        property: The property.
        variant: The variant, beside the control.
        method: "sequential", which holds at every look; or "cochran", for one look.
        p_value: Of "all values react alike"; 1 where fewer than two can be compared.
        corrected_p: The same, corrected for the number of properties and variants (Bonferroni).
        differs: Whether the test says that not all values react alike.
        different: The values that it names as the different ones, beginning with that of the most
            evidence: each beside all values that are not named before it. Now and then there are none,
            where the evidence is spread over several.
        parts: Each value that can be compared beside all others, in the order of the segments.
        waiting: The values of which too little is known yet.
        left_out: Units of values beyond the largest ten, which are in no segment.
    """

    metric: Metric
    property: str
    variant: str
    method: str
    p_value: float
    corrected_p: float
    differs: bool
    different: tuple[PartEffect, ...] = ()
    parts: tuple[PartEffect, ...] = ()
    waiting: tuple[str | None, ...] = ()
    left_out: int = 0
