"""How many units an experiment needs, by its plan."""

from datetime import timedelta
from math import ceil, sqrt
from typing import Any

import numpy as np
import pytest
from attrs import evolve

from abkit.analysis.declared.design import Design
from abkit.analysis.findings.baseline import Baseline
from abkit.analysis.findings.comparing import Comparing
from abkit.analysis.findings.metric_result import Arm
from abkit.analysis.findings.planning import (
    UNKNOWN_SIZE,
    Requirement,
    comparisons_of,
    requirement,
    wanted,
)
from abkit.analysis.inference.power import conversion_effect, sample_size
from abkit.analysis.query.layout import Layout
from abkit.analysis.statistics.aggregates import Moments, Sums
from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Metric, Ratio, Sum, Total

SIGNUP = Conversion("sign up", goal=0.05)
RATE = Baseline.of_rate(0.2)


def design(*metrics: Metric, **weights: float) -> Design:
    return Design(
        name="Exp",
        control="a",
        weights=weights or {"a": 0.5, "b": 0.5},
        metrics=metrics or (SIGNUP,),
    )


def needed(plan: AnalysisPlan, of: Design | None = None, **options: Any) -> Requirement:
    of = of or design()
    return requirement(of.metrics[0], RATE, design=of, plan=plan, goal=0.05, **options)


WELCH = AnalysisPlan(method="welch")


def test_two_even_arms_are_the_textbook() -> None:
    found = needed(WELCH, per_day=2_000)
    assert found.per_arm == {"a": 25_580, "b": 25_580}
    assert (found.units, found.days) == (51_160, 26)
    assert found.difference == pytest.approx(0.01)


def test_the_treatment_with_the_smallest_share_decides() -> None:
    """Each is compared with the control alone, at half the level, of which Bonferroni's is made."""
    found = needed(WELCH, design(SIGNUP, a=6, b=3, c=1))
    effect = conversion_effect(0.2, change=0.05, treatment_share=1 / 7)
    both = sample_size(effect, alpha=0.025)
    assert found.comparisons == 2
    assert found.units == pytest.approx(both / 0.7, abs=4)
    assert found.per_arm["a"] == pytest.approx(6 * found.per_arm["c"], abs=6)


def test_a_variant_without_a_share_needs_nothing() -> None:
    assert needed(WELCH, design(SIGNUP, a=1, b=1, c=0)).per_arm == needed(WELCH).per_arm


def test_secondary_metrics_share_the_level_with_each_other() -> None:
    of = design(SIGNUP, Conversion("buy"), Conversion("stay"), a=1, b=1, c=1)
    counts = [comparisons_of(metric, of, WELCH) for metric in of.metrics]
    assert counts == [2, 4, 4]
    uncorrected = AnalysisPlan(method="welch", correction="none")
    assert comparisons_of(of.metrics[1], of, uncorrected) == 1


@pytest.mark.parametrize(
    ("plan", "ratio"),
    [
        (AnalysisPlan(method="welch", alternative="one-sided"), 0.787),
        (AnalysisPlan(method="welch", confidence=0.9), 0.787),
        (AnalysisPlan(method="bayesian"), 1.0),
        (AnalysisPlan(method="group-sequential", sample_size=UNKNOWN_SIZE), 1.0247),
        (
            AnalysisPlan(method="group-sequential", sample_size=9, spending="pocock"),
            1.2126,
        ),
        (AnalysisPlan(method="group-sequential", sample_size=9, looks=1), 1.0),
        (AnalysisPlan(taus={"sign up": 0.01}), 1.722),
    ],
)
def test_each_plan_has_its_price(plan: AnalysisPlan, ratio: float) -> None:
    assert needed(plan).units == pytest.approx(ratio * 51_160, rel=0.005)


def test_the_sequential_test_is_looked_at_every_day() -> None:
    """It looks for the goal and for what can be found on the first day, as an analysis does."""
    found = needed(AnalysisPlan(), per_day=2_500)
    assert found.units == 2_500 * (found.days or 0)
    assert found.needed.mean is not None
    assert found.needed.mean_until_found is not None
    assert found.needed.mean < found.needed.mean_until_found < found.units
    without = needed(AnalysisPlan(), design(Conversion("sign up")), per_day=2_500)
    assert without.units > found.units


def test_what_is_planned_is_what_the_analysis_finds() -> None:
    """2,000 experiments of 30 days, compared by the analysis's own comparison at the end of each day.

    The arms are 70 and 30; the share that is found by the planned day is the power, within its error.
    """
    of = design(SIGNUP, a=0.7, b=0.3)
    plan = AnalysisPlan(taus={"sign up": 0.06})
    found = requirement(SIGNUP, RATE, design=of, plan=plan, goal=0.25, power=0.8, per_day=300)
    assert found.days is not None
    random = np.random.default_rng(8)
    comparing = Comparing(metric=SIGNUP, plan=plan, seen=1, tau=plan.taus["sign up"])
    won = 0
    for _ in range(400):
        controls = np.cumsum(random.binomial(210, 0.2, found.days)).tolist()
        treated = np.cumsum(random.binomial(90, 0.25, found.days)).tolist()
        for day, pair in enumerate(zip(controls, treated, strict=True), start=1):
            counts = zip((210 * day, 90 * day), pair, strict=True)
            arms = [_arm(n, conversions) for n, conversions in counts]
            if day < 2 or min(pair) < 25:
                continue
            comparison = comparing.compare(*arms, alpha=0.05)
            if comparison.significant:
                won += comparison.difference > 0
                break
    assert won / 400 == pytest.approx(0.82, abs=0.06)  # a whole day's units more than 80% needs


def _arm(n: int, conversions: int) -> Arm:
    return Arm(variant="", moments=Moments.from_successes(n, conversions), conversions=conversions)


def test_no_size_is_below_the_gates() -> None:
    """25 conversions and 100 units in each arm, whatever the power."""
    found = requirement(
        SIGNUP, Baseline.of_rate(0.02), design=design(), plan=WELCH, goal=9.0, per_day=100
    )
    assert found.units == 2_500


@pytest.mark.parametrize(
    ("metric", "goal"),
    [
        (Conversion("buy", goal=0.05), 0.05),
        (Conversion("leave", goal=0.05, direction="decrease"), -0.05),
        (Conversion("buy", goal=0.05, role="guardrail"), -0.05),
        (Conversion("leave", goal=0.05, direction="decrease", role="guardrail"), 0.05),
        (Conversion("buy"), None),
    ],
)
def test_the_goal_has_the_sign_of_what_is_to_be_found(metric: Metric, goal: float | None) -> None:
    assert wanted(metric) == goal
    assert wanted(metric, 0.1) == 0.1


ERRORS = Conversion("errors", direction="decrease", role="guardrail", margin=0.05)


def against_margin(plan: AnalysisPlan, **options: Any) -> Requirement:
    goal = wanted(ERRORS)
    assert goal == 0.05
    of = design(SIGNUP, ERRORS)
    return requirement(ERRORS, RATE, design=of, plan=plan, goal=goal, rules_out=True, **options)


def test_a_margin_needs_the_textbooks_units() -> None:
    """(z + z)² cv² (1 + theta²) / (1 - theta)² per arm: Hauschke et al. (1999)."""
    rate = RATE.mean
    drift = 1.959963985 + 0.841621234
    units = drift**2 * (1 - rate) / rate * (1 + 1.05**2) / 0.05**2
    found = against_margin(WELCH)
    assert found.per_arm["a"] == ceil(units)
    assert found.rules_out
    bayesian = AnalysisPlan(method="bayesian")
    assert against_margin(bayesian).units == found.units
    assert against_margin(evolve(WELCH, alternative="one-sided")).units < found.units


def test_with_these_units_no_change_is_within_the_margin_as_often_as_planned() -> None:
    found = against_margin(WELCH)
    n, rate, random = found.per_arm["a"], RATE.mean, np.random.default_rng(8)
    comparing = Comparing(metric=ERRORS, plan=WELCH, seen=2 * n)
    pairs = random.binomial(n, rate, (4_000, 2)).tolist()
    tests = (
        comparing.compare(_arm(n, control), _arm(n, treatment), alpha=0.05).non_inferiority
        for control, treatment in pairs
    )
    share = sum(test is not None and test.within for test in tests) / 4_000
    assert share == pytest.approx(0.8, abs=3 * 0.0064)


@pytest.mark.parametrize("method", ["sequential", "group-sequential"])
def test_more_looks_need_more_units_for_a_margin(method: str) -> None:
    plan = AnalysisPlan(method=method, sample_size=1 if method == "group-sequential" else None)
    assert against_margin(WELCH).units < against_margin(plan, per_day=5_000).units


def test_a_margin_of_a_mean_that_is_not_above_0_has_no_size() -> None:
    with pytest.raises(AnalysisError, match="share of the control's mean"):
        Baseline(mean=-1.0, variance=1.0).beside_margin(0.05, treatment_share=0.5)


def test_a_ratio_has_the_variance_of_the_delta_method_and_cuped_takes_its_part() -> None:
    """10,000 units with y = 2 x + noise, whose x before is that of after but for noise."""
    random = np.random.default_rng(4)
    metric = Ratio("per visit", numerator=Sum("paid", property="price"), denominator=Total("visit"))
    layout = Layout.of_events((metric, SIGNUP), cuped=True)
    (estimand, _) = layout.estimands
    y, x = random.normal(20, 4, 10_000), random.poisson(10, 10_000) + 0.0
    before = np.stack([y + random.normal(0, 2, 10_000), x])
    columns: dict[int, Any] = {}
    for places, values in ((estimand.places, (y, x)), (estimand.before, before)):
        columns |= dict(zip(places.values(), values, strict=True))
    assert estimand.present is not None
    columns[estimand.present] = np.ones(10_000)
    sums = _sums(columns)
    plain = Baseline.of_sums(sums, evolve(estimand, before={}, present=None), plan=AnalysisPlan())
    residual = (y - y.mean() / x.mean() * x).var(ddof=1) / x.mean() ** 2
    assert plain.mean == pytest.approx(y.mean() / x.mean())
    assert plain.variance == pytest.approx(residual, rel=1e-6)
    adjusted = Baseline.of_sums(sums, estimand, plan=AnalysisPlan(cuped=timedelta(days=14)))
    assert adjusted.mean == plain.mean
    assert 0.5 < adjusted.reduction < 1
    assert adjusted.variance == pytest.approx((1 - adjusted.reduction) * plain.variance)


def _sums(columns: dict[int, Any]) -> Sums:
    size = max(columns) + 5  # and what the gates ask for: limits, negative values, divisors
    n = len(next(iter(columns.values())))
    values = [columns.get(place, np.zeros(n)) for place in range(size)]
    return Sums(
        n,
        (0.0,) * size,
        tuple(float(value.sum()) for value in values),
        {(i, j): float(values[i] @ values[j]) for i in range(size) for j in range(i, size)},
    )


def test_cuped_leaves_a_share_of_a_rates_variance() -> None:
    half = Baseline(mean=0.2, variance=0.08, is_rate=True, contributing=0.2, reduction=0.5)
    found = requirement(SIGNUP, half, design=design(), plan=WELCH, goal=0.05)
    assert found.units == pytest.approx(51_160 / 2, abs=2)


def test_the_change_of_a_negative_mean_is_one_of_its_size() -> None:
    losses = Baseline(mean=-10.0, variance=400.0)
    effect = losses.effect(0.1, treatment_share=0.5)
    assert effect.difference == 1.0
    assert sqrt(effect.treatment_variance) == 20


def test_a_design_without_weights_and_sums_without_a_metric_are_refused() -> None:
    with pytest.raises(AnalysisError, match="no weights for its control 'a'"):
        needed(WELCH, Design(name="Exp", control="a", metrics=(SIGNUP,)))
    with pytest.raises(AnalysisError, match="A conversion rate must be between 0 and 1"):
        Baseline.of_rate(1.0)
    (estimand,) = Layout.of_events((SIGNUP,), cuped=False).estimands
    everyone = Sums(500, (0.0,), (500.0,), {(0, 0): 500.0})
    with pytest.raises(AnalysisError, match="sign up has a mean of 1 and a variance of 0"):
        Baseline.of_sums(everyone, estimand, plan=WELCH)
