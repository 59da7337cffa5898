"""A metric as it is without the experiment: typed, or made of sums. Pure."""

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from abkit.analysis.findings.arms import arms
from abkit.analysis.findings.metric_result import contributors
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Quantile
from abkit.extras import extra

if TYPE_CHECKING:
    from abkit.analysis.inference.power import Effect


@frozen(kw_only=True)
class Baseline:
    """A metric as it is without the experiment.

    Attributes:
        mean: Its mean.
        variance: Between the units; what is left of it after CUPED.
        is_rate: Whether each unit either converts or does not.
        contributing: The share of the units that make up the mean, which the gates ask for; None where
            that is no measure of its uncertainty.
        reduction: The share of the variance that CUPED took away.
    """

    mean: float
    variance: float
    is_rate: bool = False
    contributing: float | None = None
    reduction: float = 0.0

    @classmethod
    def of_rate(cls, rate: float) -> "Baseline":
        """A conversion rate.

        Raises:
            AnalysisError: It is not between 0 and 1.
        """
        if not 0 < rate < 1:
            message = f"A conversion rate must be between 0 and 1, not {rate!r}"
            raise AnalysisError(message)
        return cls(mean=rate, variance=rate * (1 - rate), is_rate=True, contributing=rate)

    @classmethod
    def of_sums(cls, sums: Sums, estimand: Estimand, *, plan: AnalysisPlan) -> "Baseline":
        """What an analysis makes of the sums of some units: ratios by the delta method, CUPED.

        Args:
            sums: Of units that all had the same.
            estimand: The metric.
            plan: Whether there is CUPED.

        Raises:
            AnalysisError: The sums say nothing of the metric.
        """
        found = arms({"": sums}, estimand, plan=plan)
        arm = found.control
        plain = arm.unadjusted or arm.moments
        if arm.problem and isinstance(estimand.metric, Quantile):
            message = f"{estimand.metric.name} has no value in these events: needs {arm.problem}"
            raise AnalysisError(message)
        if arm.problem or not plain.mean or not arm.moments.variance > 0:
            message = (
                f"{estimand.metric.name} has a mean of {plain.mean:g} and a variance of "
                f"{arm.moments.variance:g} in these events, of which no size follows"
            )
            raise AnalysisError(message)
        contributing = contributors(arm)
        return cls(
            mean=plain.mean,
            variance=arm.moments.variance,
            is_rate=estimand.metric.binary,
            contributing=None if contributing is None else contributing / arm.moments.n,
            reduction=0.0 if found.adjustment is None else found.adjustment.variance_reduction,
        )

    def effect(self, goal: float, *, treatment_share: float) -> "Effect":
        """A relative change of it.

        Args:
            goal: 0.05 is 5% of the mean more.
            treatment_share: The treatment's share of the units of both arms.

        Raises:
            AnalysisError: The rate after the change is not between 0 and 1, or the change is 0.
            MissingExtraError: scipy is not installed.
        """
        with extra("analysis"):
            from abkit.analysis.inference.power import Effect, conversion_effect
        if not self.is_rate:
            change = goal * abs(self.mean)
            return Effect(change, self.variance, self.variance, treatment_share)
        plain = conversion_effect(self.mean, change=goal, treatment_share=treatment_share)
        left = self.variance / plain.control_variance
        return evolve(
            plain,
            control_variance=left * plain.control_variance,
            treatment_variance=left * plain.treatment_variance,
        )

    def beside_margin(self, change: float, *, treatment_share: float) -> "Effect":
        """No change, beside a margin: how far away that is for the test of non-inferiority.

        Its variance is that of "treatment mean - (1 + change) control mean", so an even split of a test of
        one look needs (z + z)² cv² (1 + (1 + change)²) / change² units per arm, cv being the coefficient
        of variation: Hauschke, Kieser, Diletti and Burke (1999, Stat. Med. 18(1)).

        Args:
            change: That at the margin: -0.02 is 2% of the mean less.
            treatment_share: The treatment's share of the units of both arms.

        Raises:
            AnalysisError: The mean is not above 0, so nothing is a share of it.
            MissingExtraError: scipy is not installed.
        """
        with extra("analysis"):
            from abkit.analysis.inference.power import Effect
        if not self.mean > 0:
            message = f"A margin is a share of the control's mean, which must be above 0, not {self.mean:g}"
            raise AnalysisError(message)
        factor = 1 + change
        return Effect(
            change * self.mean, factor * factor * self.variance, self.variance, treatment_share
        )
