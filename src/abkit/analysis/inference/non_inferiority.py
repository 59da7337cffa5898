"""Non-inferiority: whether a variant is worse than the control by less than a margin."""

from math import inf, nextafter

from attrs import frozen


@frozen(kw_only=True)
class NonInferiority:
    """The test of one variant against a margin.

    Attributes:
        margin: The change at the margin, relative to the control's mean: -0.02 is 2% less, of a metric that
            should increase; 0.02 is 2% more, of one that should decrease.
        p_value: Of a change as bad as the margin, one-sided; of a Bayesian test, the chance of a worse one.
        alpha: The accepted probability to find such a change within the margin.
        bound: The worst relative change that is not rejected: the interval's end on the side that matters.
        difference_bound: The same end of the interval of the difference, in the metric's unit.
        best: The best relative change that is not rejected: the interval's other end.
    """

    margin: float
    p_value: float
    alpha: float
    bound: float
    difference_bound: float
    best: float

    @property
    def within(self) -> bool:
        """Whether a change as bad as the margin, or worse, is rejected."""
        return self.p_value <= self.alpha

    @property
    def beyond(self) -> bool:
        """Whether every change that is not rejected is worse than the margin."""
        return self.best < self.margin if self.margin < 0 else self.best > self.margin

    @property
    def decided(self) -> bool:
        """Whether it is known on which side of the margin the change is."""
        return self.within or self.beyond


def agreeing_bound(bound: float, *, margin: float, within: bool) -> float:
    """The bound, of one mind with the p-value to the last bit.

    By the mathematics it is better than the margin exactly when p <= alpha; the two are computed by
    different functions, whose rounding may differ where the bound is all but the margin.

    Args:
        bound: The worst relative change that is not rejected.
        margin: The change at the margin; below 0 where a fall is worse.
        within: Whether the margin is rejected.
    """
    falls = margin < 0
    if not within:
        return min(bound, margin) if falls else max(bound, margin)
    better = nextafter(margin, inf if falls else -inf)
    return max(bound, better) if falls else min(bound, better)
