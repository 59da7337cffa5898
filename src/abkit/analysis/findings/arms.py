"""The arms of a metric: from sums to moments, adjusted by CUPED."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import combinations_with_replacement
from math import isfinite
from types import MappingProxyType

from attrs import evolve, frozen

from abkit.analysis.findings.metric_result import Adjustment, Arm
from abkit.analysis.inference.cuped import (
    Within,
    adjust,
    fitted,
    imbalance,
    inflated,
    weights,
    within,
)
from abkit.analysis.statistics.aggregates import Moments, Sums
from abkit.analysis.statistics.estimands import Covariates, Estimand
from abkit.analysis.statistics.standardizing import Strata, compared, pooled, standardized
from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.metrics import Quantile, Retention
from abkit.extras import extra


@frozen(kw_only=True)
class Arms:
    """All arms of one metric.

    Attributes:
        control: The control's.
        treatments: The others, in the order of the declaration.
        adjustment: What CUPED did; None where it is off or does not apply.
        beside: The control as each treatment is compared with it: in the phases that both have.
    """

    control: Arm
    treatments: tuple[Arm, ...]
    adjustment: Adjustment | None = None
    beside: tuple[Arm, ...]

    @property
    def pairs(self) -> tuple[tuple[Arm, Arm], ...]:
        """What is compared: the control and a treatment, in the order of the treatments."""
        return tuple(zip(self.beside, self.treatments, strict=True))

    def against(self, variant: str) -> "Arms":
        """The same arms, of units that were all drawn with the same weights, with another control."""
        every = (self.control, *self.treatments)
        control = next(arm for arm in every if arm.variant == variant)
        others = tuple(arm for arm in every if arm is not control)
        return Arms(control=control, treatments=others, beside=(control,) * len(others))


def arms_of(
    sums: Mapping[str, Sums], estimand: Estimand, *, plan: AnalysisPlan, strata: Strata = ()
) -> Arms:
    """The arms of a metric, compared within phases if some units were drawn with other weights.

    Args:
        sums: As for `arms`.
        estimand: As for `arms`.
        plan: As for `arms`.
        strata: As for `arms_within`; phases that have no unit yet among them.

    Raises:
        AnalysisError: As `arms`.
        MissingExtraError: As `arms`.
    """
    begun = begun_phases(strata, estimand)
    if len(begun) < 2:
        return arms(sums, estimand, plan=plan)
    return arms_within(begun, sums, estimand, plan=plan)


def begun_phases(strata: Strata, estimand: Estimand) -> Strata:
    """The phases that have some unit of which the metric is, each with these units alone."""
    own = [{v: estimand.counting(of) for v, of in phase.items()} for phase in strata]
    return [phase for phase in own if any(of.n for of in phase.values())]


def arms(sums: Mapping[str, Sums], estimand: Estimand, *, plan: AnalysisPlan) -> Arms:
    """The arms of a metric.

    Args:
        sums: Per variant, the control first; of all units.
        estimand: The metric.
        plan: How the test is made. Retention is never adjusted by its own past: it is about what
            happens after a start; other covariates may.

    Raises:
        AnalysisError: A sum is not finite.
        MissingExtraError: scipy is not installed.
    """
    shared = estimand.is_adjusted or estimand.is_formula
    everyone = estimand.everyone(sums.values()) if shared else None
    found = {variant: _arm(variant, of, everyone, estimand) for variant, of in sums.items()}
    if plan.method is Method.BAYESIAN:
        found = {variant: _believed(arm) for variant, arm in found.items()}
    adjustment = None
    if isinstance(estimand.metric, Retention):
        estimand = estimand.without_past
    if estimand.is_adjusted:
        days = plan.cuped / timedelta(days=1) if isinstance(plan.cuped, timedelta) else None
        found, adjustment = _adjusted(found, sums, estimand, days=days)
    control, *treatments = found.values()
    return Arms(
        control=control,
        treatments=tuple(treatments),
        adjustment=adjustment,
        beside=(control,) * len(treatments),
    )


def arms_within(
    strata: Strata, sums: Mapping[str, Sums], estimand: Estimand, *, plan: AnalysisPlan
) -> Arms:
    """The arms of a metric, compared within phases.

    Its moments are standardized to the phases of all arms (`standardizing`), and are of the units of the
    phases that say something of it. What is counted, such as conversions, is that of the same units.

    Args:
        strata: Per phase, the sums by variant.
        sums: Per variant, the control first; of all units.
        estimand: As for `arms`.
        plan: As for `arms`.

    Raises:
        AnalysisError: As `arms`.
        MissingExtraError: As `arms`.
    """
    control, *treatments = sums
    alike: dict[tuple[int, ...], list[str]] = {}
    for treatment in treatments:
        alike.setdefault(compared(strata, control, treatment), []).append(treatment)
    plain = {variant: _arm(variant, of, None, estimand) for variant, of in sums.items()}
    groups: dict[str, Arms] = {}
    counted: dict[str, Mapping[str, Arm]] = {}
    for phases, members in alike.items():
        if phases:
            of_group = standardized([strata[i] for i in phases], [control, *members])
            found = arms(of_group, estimand, plan=plan)
        else:
            found = _apart([plain[variant] for variant in (control, *members)])
        groups |= dict.fromkeys(members, found)
        together = [strata[i] for i in phases] or [sums]
        of_members = {v: _arm(v, pooled(together, v), None, estimand) for v in (control, *members)}
        counted |= dict.fromkeys(members, of_members)
    main = alike[max(alike, key=len)][0]
    return Arms(
        control=_counted(groups[main].control, counted[main]),
        treatments=tuple(
            _counted(arm, counted[treatment])
            for treatment in treatments
            for arm in groups[treatment].treatments
            if arm.variant == treatment
        ),
        adjustment=groups[main].adjustment,
        beside=tuple(_counted(groups[t].control, counted[t]) for t in treatments),
    )


def _apart(plain: Sequence[Arm]) -> Arms:
    """Arms that were in no phase together with the control, which is the first."""
    control, *treatments = plain
    return Arms(
        control=control,
        treatments=tuple(evolve(arm, problem=_APART) for arm in treatments),
        beside=(control,) * len(treatments),
    )


_APART = "units of both variants that were drawn with the same weights"


def _counted(arm: Arm, plain: Mapping[str, Arm]) -> Arm:
    """An arm that shows what was counted of its units, which standardizing weighs."""
    of_all = plain[arm.variant]
    return evolve(
        arm,
        conversions=of_all.conversions,
        capped=of_all.capped,
        negative=of_all.negative,
        divided=of_all.divided,
        divisor_units=of_all.divisor_units,
    )


def _arm(variant: str, sums: Sums, everyone: Sums | None, estimand: Estimand) -> Arm:
    units = estimand.units(sums)
    if not units:
        return Arm(
            variant=variant,
            moments=Moments(0, 0.0, 0.0),
            conversions=0 if estimand.metric.binary else None,
            capped=estimand.capped_units(sums),
            negative=estimand.negative_units(sums),
            divided=estimand.divided_units(sums),
        )
    _check_finite(variant, sums, estimand)
    problem = ""
    try:
        moments = estimand.moments(sums, overall=everyone)
    except AnalysisError as error:
        moments = Moments(units, _plain_quantile(sums, estimand), 0.0)
        problem = f"{error} in variant {variant}"
        if not isinstance(estimand.metric, Quantile):
            problem = f"a divisor of {estimand.metric.name} that is not 0 in variant {variant}"
    if not (isfinite(moments.mean) and isfinite(moments.variance)):
        moments = Moments(units, 0.0, 0.0)
        problem = (
            f"a value of {estimand.metric.name} that is no more than 1e308 in variant {variant}"
        )
    return Arm(
        variant=variant,
        moments=moments,
        conversions=estimand.conversions(sums),
        capped=estimand.capped_units(sums),
        negative=estimand.negative_units(sums),
        divided=estimand.divided_units(sums),
        divisor_units=estimand.divisor_units(sums),
        problem=problem,
    )


def _plain_quantile(sums: Sums, estimand: Estimand) -> float:
    """What is shown of a quantile that cannot be compared; 0 of other metrics, which have no value then."""
    known = sums.quantiles.get(estimand.metric)
    return 0.0 if known is None else known.plain


def _check_finite(variant: str, sums: Sums, estimand: Estimand) -> None:
    places = estimand.all_places
    pairs = combinations_with_replacement(places, 2)
    products = (sums.products[pair] for pair in pairs if pair in sums.products)
    if not all(map(isfinite, [*(sums.mean(place) for place in places), *products])):
        message = (
            f"{estimand.metric.name} has values in variant {variant} that are not finite, or too "
            "large to sum up: its mean is not a number"
        )
        raise AnalysisError(message)


def _believed(arm: Arm) -> Arm:
    if not arm.is_rate:
        return evolve(arm, posterior_mean=None if arm.problem else arm.moments.mean)
    with extra("analysis"):
        from abkit.analysis.inference.bayesian import RatePosterior
    return evolve(arm, posterior_mean=RatePosterior.of(arm.moments).mean)


def _adjusted(
    found: Mapping[str, Arm], sums: Mapping[str, Sums], estimand: Estimand, *, days: float | None
) -> tuple[dict[str, Arm], Adjustment | None]:
    """Each arm with the moments of what is left of the metric, and what was taken away."""
    unchanged = dict(found), None
    if any(arm.problem for arm in found.values()):
        return unchanged
    everyone = estimand.everyone(sums.values())
    overall = estimand.covariates(everyone, overall=everyone)
    if overall is None:
        return unchanged
    before = {
        variant: covariates
        for variant, of in sums.items()
        if estimand.units(of)
        and (covariates := estimand.covariates(of, overall=everyone)) is not None
    }
    if set(before) != {variant for variant, of in sums.items() if estimand.units(of)}:
        return unchanged
    regressed: Covariates | Within = overall
    if estimand.beside:
        sized = [(found[variant].moments.n, of) for variant, of in before.items()]
        regressed = within(sized, means=overall.means)
    theta, vary = weights(regressed), fitted(regressed)
    beside = sum(vary[len(theta) - len(estimand.beside) :])
    inflation = inflated(beside, units=everyone.n, arms=len(before))
    if inflation is None or not any(vary):
        return unchanged
    plain = {variant: _unbiased(found[variant]) for variant in before}

    def adjusted_moments(variant: str, covariates: Covariates) -> Moments:
        moments, alike = plain[variant], sums[variant].spread_alike
        left = adjust(moments, covariates, theta=theta, overall=overall.means)
        left = evolve(left, variance=inflation * left.variance)
        others = None if alike is None else estimand.covariates(alike, overall=everyone)
        if others is None or moments.alike is None:
            return left
        spread = evolve(moments, variance=moments.alike)
        spread = adjust(spread, others, theta=theta, overall=overall.means)
        return evolve(left, alike=inflation * spread.variance)

    left = {variant: adjusted_moments(variant, of) for variant, of in before.items()}
    adjusted = {
        variant: evolve(arm, moments=left[variant], unadjusted=arm.moments)
        if variant in left
        else arm
        for variant, arm in found.items()
    }
    return adjusted, Adjustment(
        theta=theta[0] if estimand.before else 0.0,
        variance_reduction=1 - _within(left) / _within(plain) if _within(plain) > 0 else 0.0,
        days=days if estimand.before else None,
        balance=_balance(before, found),
        covariates=MappingProxyType(
            dict(zip(estimand.beside, theta[len(theta) - len(estimand.beside) :], strict=True))
        ),
    )


def _unbiased(arm: Arm) -> Moments:
    """With the variance of a mean: adjusted conversions are no longer 0 or 1."""
    moments = arm.moments
    if not arm.is_rate or moments.n < 2:
        return moments
    return Moments(moments.n, moments.mean, moments.variance * moments.n / (moments.n - 1))


def _within(arm_moments: Mapping[str, Moments]) -> float:
    """The variance within the arms, times the units."""
    return sum(moments.variance * moments.n for moments in arm_moments.values())


def _balance(before: Mapping[str, Covariates], found: Mapping[str, Arm]) -> float:
    control = next(iter(found))
    if control not in before:
        return 0.0
    return max(
        (
            imbalance(
                before[control], found[control].moments.n, covariates, found[variant].moments.n
            )
            for variant, covariates in before.items()
            if variant != control
        ),
        default=0.0,
    )
