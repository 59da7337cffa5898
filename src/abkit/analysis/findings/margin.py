"""A guardrail's test against its margin, by the method of the plan: pure.

It is the test of the difference, of "treatment mean = (1 + margin) control mean" instead of "treatment mean =
control mean", at the same critical value. The interval of the lift is the set of all such changes that this
test does not reject (Fieller 1954, "Some problems in interval estimation", J. R. Stat. Soc. B 16(2)); so the
margin is ruled out exactly when the interval excludes it. That is the usual analysis of non-inferiority with
a ratio of means (Hauschke, Kieser, Diletti and Burke 1999, "Sample size determination for proving
equivalence based on the ratio of two means for normally distributed data", Stat. Med. 18(1)): one-sided, at
the level of one side of the interval.
"""

from math import exp, inf, sqrt

from attrs import frozen

from abkit.analysis.findings.metric_result import Arm
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.inference.non_inferiority import NonInferiority, agreeing_bound
from abkit.analysis.inference.sequential import log_likelihood_ratio
from abkit.analysis.inference.variance import VarianceRule, at_least_pooled, separate
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.metrics import Direction, Metric
from abkit.experiments.declaring.tau import Tau
from abkit.extras import extra


@frozen(kw_only=True)
class AgainstMargin:
    """How a variant is tested against a margin.

    Attributes:
        change: The relative change at the margin: below 0 where a fall is worse.
        method: How the difference was tested.
        one_sided: Whether it was tested on one side only.
        tau: What the sequential test looked for; None of other tests.
    """

    change: float
    method: Method
    one_sided: bool
    tau: Tau | None = None

    def test(
        self, control: Arm, treatment: Arm, *, harm: Comparison, safety: Comparison
    ) -> NonInferiority | None:
        """Test whether a variant is worse by less than the margin.

        Args:
            control: The control's units.
            treatment: The variant's units.
            harm: Their comparison, whose interval ends on the better side.
            safety: Their comparison, whose interval ends on the worse side; a two-sided one is both.

        Returns:
            None where there is no interval of the relative change.

        Raises:
            MissingExtraError: scipy is not installed.
        """
        if harm.lift_interval is None or safety.lift_interval is None:
            return None
        p_value = self._p_value(control, treatment, safety)
        alpha = safety.alpha if self.one_sided else safety.alpha / 2
        bound = self._worst(safety.lift_interval)
        best = harm.lift_interval.high if self._falls else harm.lift_interval.low
        return NonInferiority(
            margin=self.change,
            p_value=p_value,
            alpha=alpha,
            bound=agreeing_bound(bound, margin=self.change, within=p_value <= alpha),
            difference_bound=self._worst(safety.interval),
            best=best,
        )

    @property
    def _falls(self) -> bool:
        """Whether a fall is worse."""
        return self.change < 0

    def _worst(self, interval: Interval) -> float:
        return interval.low if self._falls else interval.high

    def _p_value(self, control: Arm, treatment: Arm, found: Comparison) -> float:
        """Of a change as bad as the margin, on one side."""
        if self.method is Method.BAYESIAN:
            return self._chance_of_worse(control, treatment, found)
        distance = self._distance(found, at_least_pooled)
        if self.tau is not None:
            return self._sequential_p(distance, found, self.tau)
        with extra("analysis"):
            from abkit.analysis.inference import student
        freedom = found.details.get("degrees_of_freedom", inf)
        return student.p_value(distance, freedom=freedom, alternative="greater")

    def _distance(self, found: Comparison, rule: VarianceRule) -> float:
        """How far the variant is on the better side of the margin, in standard errors."""
        factor = 1 + self.change
        variances = rule(found.control, found.treatment)
        error = sqrt(variances.treatment + factor * factor * variances.control)
        apart = (found.treatment.mean - factor * found.control.mean) / error
        return apart if self._falls else -apart

    def _sequential_p(self, distance: float, found: Comparison, tau: Tau) -> float:
        """Of a two-sided test, half of its p-value; on the worse side of the margin, 1."""
        error = found.details["standard_error"]
        if not self.one_sided:
            ratio = log_likelihood_ratio(distance * error, variance=error * error, tau=tau)
            return exp(-max(0.0, ratio)) / 2 if distance > 0 else 1.0
        with extra("analysis"):
            from abkit.analysis.inference import one_sided_mixture
        ratio = one_sided_mixture.log_likelihood_ratio(
            distance * error, variance=error * error, tau=tau
        )
        return exp(-max(0.0, ratio))

    def _chance_of_worse(self, control: Arm, treatment: Arm, found: Comparison) -> float:
        """The chance that the change is worse than the margin, given the data."""
        with extra("analysis"):
            from abkit.analysis.inference import student
            from abkit.analysis.inference.bayesian import RatePosterior, chance_above
            from abkit.analysis.inference.ratio_posterior import RatioPosterior
        factor = 1 + self.change
        if control.is_rate:
            after = RatePosterior.of(treatment.moments)
            above = chance_above(after, RatePosterior.of(control.moments))(factor, 0.0)
            return 1 - above if self._falls else above
        if not control.moments.variance > 0:
            distance = self._distance(found, separate)
            return student.p_value(distance, freedom=inf, alternative="greater")
        below = RatioPosterior.of(control.moments, treatment.moments).below(factor)
        return below if self._falls else 1 - below


def against_margin(
    metric: Metric, *, method: Method, one_sided: bool, tau: Tau | None
) -> AgainstMargin | None:
    """How a metric is tested against its margin; None if it has none."""
    if metric.margin is None:
        return None
    change = metric.margin if metric.direction is Direction.DECREASE else -metric.margin
    return AgainstMargin(change=change, method=method, one_sided=one_sided, tau=tau)
