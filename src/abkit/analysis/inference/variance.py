"""How uncertain the two means are: the variances that every test of a difference starts from."""

from collections.abc import Callable
from typing import TypeAlias

from attrs import frozen

from abkit.analysis.statistics.aggregates import Moments


@frozen
class MeanVariances:
    """The sampling variances of the two means; their sum is that of the difference.

    Attributes:
        control: Of the control's mean, in the metric's unit squared.
        treatment: Of the treatment's mean, in the metric's unit squared.
    """

    control: float
    treatment: float

    @property
    def difference(self) -> float:
        """The sampling variance of treatment mean minus control mean."""
        return self.control + self.treatment


VarianceRule: TypeAlias = Callable[[Moments, Moments], MeanVariances]
"""From the moments of control and treatment, each of at least two units, to their variances."""


def separate(control: Moments, treatment: Moments) -> MeanVariances:
    """Each arm by its own variance, s²/n: Welch's rule."""
    return MeanVariances(control.variance / control.n, treatment.variance / treatment.n)


def pooled_difference(control: Moments, treatment: Moments) -> float:
    """The variance of the difference if both arms spread alike: Student's rule.

    It is s_p² (1/n_c + 1/n_t), where s_p² weighs the arms' variances by n - 1. Of means that were
    standardized, the arms are taken to spread alike within each phase.
    """
    if control.alike is not None and treatment.alike is not None:
        return control.alike / control.n + treatment.alike / treatment.n
    weight = (control.n - 1) / (control.n + treatment.n - 2)
    spread = weight * control.variance + (1 - weight) * treatment.variance
    return spread * (1 / control.n + 1 / treatment.n)


def at_least_pooled(control: Moments, treatment: Moments) -> MeanVariances:
    """Each arm by its own variance, but together never less than the pooled one.

    While a small arm has not yet seen its rare or large values, its own variance is far too small,
    and a test that looks often stops just then: with Welch's rule 10% to 36% of A/A tests on a
    90/10 split do. What the pooled variance has above Welch's therefore goes to the smaller arm.
    With arms of equal size both rules are the same.
    """
    own = separate(control, treatment)
    excess = max(0.0, pooled_difference(control, treatment) - own.difference)
    controls, treated = control.effective_units, treatment.effective_units
    if controls == treated or excess == 0.0:
        return own
    if treated < controls:
        return MeanVariances(own.control, own.treatment + excess)
    return MeanVariances(own.control + excess, own.treatment)
