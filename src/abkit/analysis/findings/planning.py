"""How many units an experiment needs, by its plan: pure."""

from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from abkit.analysis.declared.design import Design
from abkit.analysis.findings.baseline import Baseline
from abkit.analysis.findings.families import family
from abkit.analysis.findings.metric_result import (
    MINIMUM_CONTRIBUTORS,
    MINIMUM_UNITS,
)
from abkit.analysis.findings.tau import sought
from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Alternative, Correction, Method, Spending
from abkit.experiments.declaring.metrics import Direction, Metric, Role
from abkit.extras import extra

if TYPE_CHECKING:
    from abkit.analysis.inference.power import Effect, Needed, Test

UNKNOWN_SIZE = 1
"""The sample size of a plan that needs one, where it is to be found out."""

_ROUNDING = 1e-6
"""Shares of units such as a third of three are no whole numbers for a float."""


@frozen(kw_only=True)
class Requirement:
    """What a metric needs until a change of it is found.

    All units are those of all arms together.

    Attributes:
        metric: The metric.
        baseline: What it is without the experiment.
        goal: The relative change that is looked for; below 0 for a fall.
        difference: The same in the metric's unit.
        alpha: The level of each comparison.
        comparisons: How many are read together.
        per_arm: The units of each arm at the planned size.
        per_day: How many units come a day; None: it is not known.
        needed: What the test needs, as units of all arms.
        rules_out: Whether the change is a margin that is to be ruled out, though nothing changes.
    """

    metric: Metric
    baseline: Baseline
    goal: float
    difference: float
    alpha: float
    comparisons: int
    per_arm: Mapping[str, int]
    per_day: float | None
    needed: "Needed"
    rules_out: bool = False

    @property
    def units(self) -> int:
        """The size to plan, which is the most that it takes."""
        return self.needed.units

    @property
    def days(self) -> int | None:
        """Whole days until then."""
        return self.days_of(self.units)

    def days_of(self, units: float | None) -> int | None:
        """The whole days until so many units have come; None if that is not known."""
        if units is None or self.per_day is None:
            return None
        return ceil(units / self.per_day - _ROUNDING)


def wanted(metric: Metric, goal: float | None = None) -> float | None:
    """The relative change to look for: the metric's goal in its direction; of a guardrail, the harm.

    Of a guardrail with a margin it is the margin.

    Args:
        metric: The metric.
        goal: Another one, which is taken as it is.
    """
    change = sought(metric)
    if goal is not None or change is None:
        return goal
    falls = metric.direction is Direction.DECREASE
    return -change if falls != (metric.role is Role.GUARDRAIL) else change


def comparisons_of(metric: Metric, design: Design, plan: AnalysisPlan) -> int:
    """How many comparisons share the accepted probability of a false alarm with those of a metric.

    Where a correction is step-wise (Holm's, Benjamini and Hochberg's), they are planned like Bonferroni's,
    which needs the most.
    """
    treatments = len(_shares(design)) - 1
    if plan.correction is Correction.NONE:
        return 1
    return treatments * sum(family(other) == family(metric) for other in design.metrics)


def requirement(
    metric: Metric,
    baseline: Baseline,
    *,
    design: Design,
    plan: AnalysisPlan,
    goal: float,
    power: float = 0.8,
    per_day: float | None = None,
    rules_out: bool = False,
) -> Requirement:
    """How many units a metric needs until the plan's test finds a change of it, or rules it out.

    Each treatment is compared with the control; the one that needs most decides.

    Args:
        metric: One of the design's.
        baseline: What it is without the experiment.
        design: The control, the weights and all metrics.
        plan: How the test is made.
        goal: The relative change: 0.05 is 5% more.
        power: The probability to find it if it is there.
        per_day: New units a day, of all arms; it is looked every day. None: it is not known.
        rules_out: Whether the change is a margin that is to be ruled out, where nothing changes.

    Raises:
        AnalysisError: No number of units finds it, or a number cannot be used.
        MissingExtraError: scipy is not installed.
    """
    with extra("analysis"):
        from abkit.analysis.inference.power import size
    shares = _shares(design)
    comparisons = comparisons_of(metric, design, plan)
    alpha = plan.alpha(comparisons)
    sizes: list[tuple[float, Effect, Needed]] = []
    for share in {share for variant, share in shares.items() if variant != design.control}:
        both = shares[design.control] + share
        sized = baseline.beside_margin if rules_out else baseline.effect
        effect = sized(goal, treatment_share=share / both)
        least = _gates(baseline, effect)
        test = _test(
            metric,
            baseline,
            plan,
            alpha=alpha,
            least=least,
            every=None if per_day is None else per_day * both,
            rules_out=rules_out,
        )
        needed = size(effect, test=test, power=power)
        needed = evolve(needed, units=max(needed.units, ceil(least)))
        sizes.append((needed.units / both, effect, _of_all(needed, both)))
    total, effect, needed = max(sizes, key=lambda found: found[0])
    per_arm = {variant: ceil(total * share - _ROUNDING) for variant, share in shares.items()}
    return Requirement(
        metric=metric,
        baseline=baseline,
        goal=goal,
        difference=effect.difference,
        alpha=alpha,
        comparisons=comparisons,
        per_arm=per_arm,
        per_day=per_day,
        needed=evolve(needed, units=sum(per_arm.values())),
        rules_out=rules_out,
    )


def _shares(design: Design) -> dict[str, float]:
    """The shares of the arms that have any, which add up to 1."""
    total = sum(design.weights.values())
    shares = {variant: of / total for variant, of in design.weights.items() if of > 0}
    if design.control not in shares or len(shares) < 2:
        message = (
            f"{design.name} has no weights for its control {design.control!r} and another variant: say "
            "how many there are with --variants"
        )
        raise AnalysisError(message)
    return shares


def _gates(baseline: Baseline, effect: "Effect") -> float:
    """The units of both arms before which nothing is compared: those of `metric_result.missing`."""
    smaller = min(effect.treatment_share, 1 - effect.treatment_share)
    least = MINIMUM_UNITS / smaller
    if baseline.contributing:
        least = max(least, MINIMUM_CONTRIBUTORS / baseline.contributing / smaller)
    return least


def _test(
    metric: Metric,
    baseline: Baseline,
    plan: AnalysisPlan,
    *,
    alpha: float,
    least: float,
    every: float | None,
    rules_out: bool,
) -> "Test":
    with extra("analysis"):
        from abkit.analysis.inference.group_sequential import obrien_fleming, pocock
        from abkit.analysis.inference.power import (
            BayesianTest,
            FixedTest,
            GroupSequentialTest,
            Looking,
            SequentialTest,
        )
    one_sided, change = plan.alternative is Alternative.ONE_SIDED, sought(metric)
    match plan.method:
        case Method.WELCH:
            return FixedTest(alpha=alpha, one_sided=one_sided)
        case Method.BAYESIAN:
            # Of a margin by the formula for means: two rates that are alike are not simulated.
            of_rates = baseline.is_rate and not rules_out
            return BayesianTest(alpha=alpha, rate=baseline.mean if of_rates else None)
        case Method.GROUP_SEQUENTIAL:
            spending = pocock if plan.spending is Spending.POCOCK else obrien_fleming
            return GroupSequentialTest(looks=plan.looks, alpha=alpha, spending=spending)
        case Method.SEQUENTIAL:
            return SequentialTest(
                alpha=alpha,
                tau=plan.taus.get(metric.name),
                goal=None if change is None else change * abs(baseline.mean),
                one_sided=one_sided,
                looking=Looking(every=every, least=least),
            )


def _of_all(needed: "Needed", both: float) -> "Needed":
    """The units of all arms, given those of two which have this share of them."""

    def scaled(units: float | None) -> float | None:
        return None if units is None else units / both

    return evolve(
        needed,
        mean=scaled(needed.mean),
        mean_until_found=scaled(needed.mean_until_found),
        mean_without_effect=scaled(needed.mean_without_effect),
        looks=tuple(evolve(look, units=look.units / both) for look in needed.looks),
    )
