"""One comparison, by the method of the plan; and what it waits for before it is made."""

from collections.abc import Sequence

from attrs import evolve, frozen

from abkit.analysis.amounts import amount
from abkit.analysis.findings.arms import Arms
from abkit.analysis.findings.lost import told
from abkit.analysis.findings.margin import against_margin
from abkit.analysis.findings.metric_result import Arm, missing
from abkit.analysis.findings.planned_looks import WITHOUT_TIMES, PlannedLook
from abkit.analysis.findings.tau import FirstLook, looked_for
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.inference.decision import Alternative as Side
from abkit.analysis.inference.sequential import sequential
from abkit.analysis.inference.variance import at_least_pooled
from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Alternative, Method
from abkit.experiments.declaring.metrics import Direction, Metric, Role
from abkit.experiments.declaring.tau import Tau
from abkit.extras import extra


@frozen(kw_only=True)
class Comparing:
    """How the arms of one metric are compared.

    Attributes:
        metric: The metric.
        plan: How the test is made.
        seen: The units of all arms so far, of which a planned sample size is made up.
        tau: What the sequential test looks for; None for other methods, and where nothing can be compared.
        look: The planned look of a group sequential test that is made here; None where none is.
    """

    metric: Metric
    plan: AnalysisPlan
    seen: int
    tau: Tau | None = None
    look: PlannedLook | None = None

    @classmethod
    def of(
        cls,
        metric: Metric,
        plan: AnalysisPlan,
        *,
        arms: Arms,
        seen: int,
        first_look: FirstLook | None = None,
    ) -> "Comparing":
        """With the tau that `looked_for` finds."""
        tau = None
        if plan.method is Method.SEQUENTIAL:
            tau = looked_for(metric, arms, plan, first_look=first_look)
        return cls(metric=metric, plan=plan, seen=seen, tau=tau)

    def lacking(self, arms: Sequence[Arm]) -> tuple[str, ...]:
        """What is waited for, such as "12,345 more units"; empty if the arms can be compared.

        The gates of `missing`, with conversions that got `lost`, and the planned size: Welch's test says
        nothing before it is reached, the group sequential one nothing but at its looks.
        """
        lacking = missing(arms)
        return (*lacking, *(told(arms) if lacking else ()), *self._units_to_come())

    def waits(self, arms: Sequence[Arm]) -> bool:
        """Whether anything is lacking, without saying what."""
        return bool(missing(arms) or self._units_to_come())

    def compare(self, control: Arm, treatment: Arm, *, alpha: float) -> Comparison:
        """Compare a variant with the control at a level; and with the metric's margin, if it has one.

        Raises:
            AnalysisError: The test is group sequential, and this is none of its looks.
            MissingExtraError: scipy is not installed.
        """
        side = tested_side(self.metric, self.plan)
        found = self._compare(control, treatment, alpha=alpha, side=side)
        one_sided = side != "two-sided"
        margin = against_margin(
            self.metric, method=self.plan.method, one_sided=one_sided, tau=self.tau
        )
        if margin is None:
            return found
        safety = found
        if one_sided:
            other: Side = "less" if side == "greater" else "greater"
            safety = self._compare(control, treatment, alpha=alpha, side=other)
        return evolve(
            found, non_inferiority=margin.test(control, treatment, harm=found, safety=safety)
        )

    def _compare(self, control: Arm, treatment: Arm, *, alpha: float, side: Side) -> Comparison:
        arms = control.moments, treatment.moments
        if self.tau is not None:
            return sequential(*arms, tau=self.tau, alpha=alpha, alternative=side)
        with extra("analysis"):
            from abkit.analysis.inference.bayesian import bayesian_means, bayesian_rates
            from abkit.analysis.inference.group_sequential import group_sequential
            from abkit.analysis.inference.welch import welch
        if self.plan.method is Method.WELCH:
            return welch(*arms, alpha=alpha, alternative=side, variance_rule=at_least_pooled)
        if self.plan.method is Method.BAYESIAN:
            bayesian = bayesian_rates if control.is_rate else bayesian_means
            return bayesian(*arms, alpha=alpha)
        if self.look is None:
            message = (
                f"A group sequential test compares at its looks only: it needs {WITHOUT_TIMES}"
            )
            raise AnalysisError(message)
        return group_sequential(*arms, bound=self.look.bound(alpha), details=self.look.details)

    def _units_to_come(self) -> tuple[str, ...]:
        size = self.plan.sample_size
        match self.plan.method:
            case Method.WELCH if size is not None and self.seen < size:
                return (
                    f"{amount(size - self.seen, 'more unit')} to reach the planned sample size",
                )
            case Method.GROUP_SEQUENTIAL if self.look is None:
                return (WITHOUT_TIMES,)
            case _:
                return ()


def tested_side(metric: Metric, plan: AnalysisPlan) -> Side:
    """Which side is tested: both, or the wanted one; of a guardrail the harmful one."""
    if plan.alternative is Alternative.TWO_SIDED:
        return "two-sided"
    rise = metric.direction is Direction.INCREASE
    return "greater" if rise != (metric.role is Role.GUARDRAIL) else "less"
