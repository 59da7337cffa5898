"""The Bayesian reading of a metric: the chance to beat the control, and to be the best of all."""

from typing import TYPE_CHECKING

from attrs import evolve

from abkit.analysis.findings.metric_result import Arm, MetricResult, Treatment
from abkit.experiments.declaring.metrics import Direction
from abkit.extras import extra

if TYPE_CHECKING:
    from abkit.analysis.inference.bayesian import Posterior


def chances(found: MetricResult) -> MetricResult:
    """A result of Bayesian comparisons, with the chances of its variants.

    Better is what the metric's direction says; above, if it says "any". To be the best is a matter of
    all arms that can be compared, the control among them; their chances sum to 1.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    lower_is_better = found.metric.direction is Direction.DECREASE
    best = _to_be_best(found, lower_is_better=lower_is_better)
    treatments = tuple(
        evolve(
            treatment,
            chance_to_beat=_to_beat(treatment, lower_is_better=lower_is_better),
            chance_to_be_best=best.get(treatment.arm.variant),
        )
        for treatment in found.treatments
    )
    return evolve(
        found,
        treatments=treatments,
        control_chance_to_be_best=best.get(found.control.variant),
    )


def _to_beat(treatment: Treatment, *, lower_is_better: bool) -> float | None:
    if treatment.comparison is None:
        return None
    above = treatment.comparison.details["chance_to_beat_control"]
    return 1 - above if lower_is_better else above


def _to_be_best(found: MetricResult, *, lower_is_better: bool) -> dict[str, float]:
    """By variant; empty if nothing can be compared, or some arm does not vary at all."""
    arms = [found.control, *(t.arm for t in found.treatments if t.comparison is not None)]
    constant = any(not arm.is_rate and arm.moments.variance == 0 for arm in arms)
    if len(arms) < 2 or constant:
        return {}
    with extra("analysis"):
        from abkit.analysis.inference.bayesian import chances_to_be_highest, chances_to_be_lowest
    rank = chances_to_be_lowest if lower_is_better else chances_to_be_highest
    variants = [arm.variant for arm in arms]
    return dict(zip(variants, rank([_posterior(arm) for arm in arms]), strict=True))


def _posterior(arm: Arm) -> "Posterior":
    from abkit.analysis.inference.bayesian import MeanPosterior, RatePosterior

    return RatePosterior.of(arm.moments) if arm.is_rate else MeanPosterior.of(arm.moments)
