"""From the rows that the queries give to what was found: pure."""

from collections.abc import Mapping, Sequence
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING

from abkit.analysis.aggregates import Moments
from abkit.analysis.engines.duckdb import Row, integer
from abkit.analysis.findings.metric_result import Arm, MetricResult, Treatment, missing
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.plan import Plan
from abkit.analysis.settings import Method, Settings
from abkit.errors import AnalysisError, MissingExtraError, TooFewVariantsError
from abkit.experiments.metrics import Metric, Role

if TYPE_CHECKING:
    from abkit.analysis.inference.srm import SampleRatio

MAXIMUM_VARIANTS = 50
"""More variants are taken for a mistake, such as naming the column of the users."""


def check_variants(found: int, *, where: str) -> None:
    """Refuse a column that cannot be the one of the variants.

    Raises:
        AnalysisError: It has more than `MAXIMUM_VARIANTS` different values.
    """
    if found > MAXIMUM_VARIANTS:
        message = (
            f"{where} has {found:,} different variants; the limit is {MAXIMUM_VARIANTS}. "
            "Is it the column of the variants?"
        )
        raise AnalysisError(message)


def order(plan: Plan, found: Sequence[str]) -> tuple[str, ...]:
    """The variants as results show them: the control, those declared, those only found.

    Raises:
        TooFewVariantsError: There is no unit of the control, or of any other variant.
    """
    if plan.control not in found or len(set(found)) < 2:
        raise TooFewVariantsError(plan.control, sorted(found))
    return tuple(dict.fromkeys([plan.control, *plan.weights, *sorted(found)]))


def evaluate(rows: Sequence[Row], plan: Plan, settings: Settings) -> tuple[MetricResult, ...]:
    """Compare every variant with the control, for every metric.

    Args:
        rows: Sufficient statistics, as the queries give them.
        plan: What was planned.
        settings: How the test is made.

    Raises:
        TooFewVariantsError: There is no control, or nothing to compare it with.
        AnalysisError: A mean or a variance is not finite.
    """
    by_variant = {str(row["variant"]): row for row in rows}
    variants = order(plan, list(by_variant))
    results: list[MetricResult] = []
    for number, metric in enumerate(plan.metrics, start=1):
        control, *others = (
            _arm(variant, by_variant.get(variant, {}), metric, number=number)
            for variant in variants
        )
        alpha = settings.alpha(_comparisons(metric, plan, treatments=len(others)))
        treatments = tuple(
            _treatment(control, arm, metric, settings=settings, alpha=alpha) for arm in others
        )
        results.append(MetricResult(metric=metric, control=control, treatments=treatments))
    return tuple(results)


def _arm(variant: str, row: Row, metric: Metric, *, number: int) -> Arm:
    units = integer(row, "units")
    if metric.binary:
        conversions = integer(row, f"metric_{number}_conversions")
        moments = Moments.from_successes(units, conversions)
        return Arm(variant=variant, moments=moments, conversions=conversions)
    mean = _real(row.get(f"metric_{number}_mean"))
    variance = _real(row.get(f"metric_{number}_variance"))
    if not (isfinite(mean) and isfinite(variance)):
        message = (
            f"{metric.name} has values in variant {variant} that are not finite, or too large to "
            "sum up: its mean is not a number"
        )
        raise AnalysisError(message)
    return Arm(variant=variant, moments=Moments(units, mean, max(0.0, variance)))


def _comparisons(metric: Metric, plan: Plan, *, treatments: int) -> int:
    """How many comparisons are read together with this one.

    A primary metric or a guardrail: one per treatment. Secondary metrics: all of theirs together.
    """
    if metric.role is not Role.SECONDARY:
        return treatments
    return treatments * sum(other.role is Role.SECONDARY for other in plan.metrics)


def _treatment(
    control: Arm, arm: Arm, metric: Metric, *, settings: Settings, alpha: float
) -> Treatment:
    lacking = missing([control, arm])
    if lacking:
        return Treatment(arm=arm, comparison=None, missing=lacking)
    return Treatment(arm=arm, comparison=_compare(control, arm, metric, settings, alpha=alpha))


def _compare(
    control: Arm, arm: Arm, metric: Metric, settings: Settings, *, alpha: float
) -> Comparison:
    if settings.method is Method.WELCH:
        try:
            from abkit.analysis.inference.welch import welch
        except ImportError as error:
            raise MissingExtraError("scipy", "analysis") from error
        return welch(control.moments, arm.moments, alpha=alpha)
    from abkit.analysis.inference.sequential import default_tau, sequential

    tau = settings.taus.get(metric.name)
    if tau is None:
        tau = default_tau(control.moments.mean, metric.goal)
    return sequential(control.moments, arm.moments, tau=tau, alpha=alpha)


def check_ratio(counts: Mapping[str, int], plan: Plan, *, one_look: bool) -> "SampleRatio":
    """Compare the sizes of the arms with the weights; equal ones if none are declared.

    Variants that are not declared have no designed share: they are left out of the check.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    try:
        from abkit.analysis.inference.srm import SampleRatioMethod, sample_ratio
    except ImportError as error:
        raise MissingExtraError("scipy", "analysis") from error
    weights = plan.weights or MappingProxyType(dict.fromkeys(counts, 1.0))
    method = SampleRatioMethod.CHI_SQUARE if one_look else SampleRatioMethod.SEQUENTIAL
    declared = {variant: count for variant, count in counts.items() if variant in weights}
    return sample_ratio(declared, weights, method=method)


def _real(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
