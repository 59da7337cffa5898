"""A guardrail's test against its margin: it is that of the lift's interval, and keeps its level."""

from math import sqrt
from typing import Any

import numpy as np
import pytest
from scipy import stats

from abkit.analysis.findings.comparing import Comparing
from abkit.analysis.findings.metric_result import Arm
from abkit.analysis.findings.planned_looks import deciding_look, planned_looks
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.inference.non_inferiority import NonInferiority, agreeing_bound
from abkit.analysis.inference.sequential import half_width
from abkit.analysis.statistics.aggregates import Moments
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Mean, Metric

PLANS: dict[str, AnalysisPlan] = {
    "sequential": AnalysisPlan(method="sequential"),
    "sequential, one-sided": AnalysisPlan(method="sequential", alternative="one-sided"),
    "welch": AnalysisPlan(method="welch"),
    "welch, one-sided": AnalysisPlan(method="welch", alternative="one-sided"),
    "bayesian": AnalysisPlan(method="bayesian"),
    "group-sequential": AnalysisPlan(method="group-sequential", sample_size=100_000),
}


def guardrail(direction: str = "increase", margin: float = 0.05, *, rate: bool = False) -> Metric:
    kind: Any = Conversion if rate else Mean
    made: Metric = kind("m", role="guardrail", direction=direction, margin=margin)
    return made


def counted(variant: str, n: int, converted: int) -> Arm:
    return Arm(variant=variant, moments=Moments.from_successes(n, converted), conversions=converted)


def measured(variant: str, n: int, mean: float, variance: float) -> Arm:
    return Arm(variant=variant, moments=Moments(n, mean, variance))


def compared(
    metric: Metric,
    control: Arm,
    treatment: Arm,
    plan: AnalysisPlan,
    *,
    alpha: float = 0.05,
    tau: float = 0.02,
    units: int = 60_000,
) -> Comparison:
    look = planned_looks([units], plan, over=1)[0] if plan.looks else None
    comparing = Comparing(
        metric=metric,
        plan=plan,
        seen=units,
        tau=tau if plan.method == "sequential" else None,
        look=look,
    )
    return comparing.compare(control, treatment, alpha=alpha)


def against(found: Comparison) -> NonInferiority:
    assert found.non_inferiority is not None
    return found.non_inferiority


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("direction", ["increase", "decrease"])
@pytest.mark.parametrize("rate", [True, False])
def test_the_margin_is_ruled_out_exactly_when_the_interval_excludes_it(
    name: str, direction: str, *, rate: bool
) -> None:
    plan, metric = PLANS[name], guardrail(direction, rate=rate)
    sides = set()
    for change in np.linspace(-0.15, 0.15, 31):
        mean = 0.2 * (1 + float(change))
        arms = (counted("0", 20_000, 4_000), counted("1", 18_000, round(18_000 * mean)))
        if not rate:
            arms = (measured("0", 20_000, 0.2, 0.16), measured("1", 18_000, mean, 0.14))
        found = compared(metric, *arms, plan)
        test = against(found)
        excluded = test.bound > -0.05 if direction == "increase" else test.bound < 0.05
        assert excluded == test.within
        assert not (test.within and test.beyond)
        interval = found.lift_interval
        assert interval is not None
        if plan.alternative == "two-sided":
            worst, best = interval.low, interval.high
            if direction == "decrease":
                worst, best = best, worst
            assert test.bound == pytest.approx(worst, abs=1e-12)
            assert test.best == best
            assert test.alpha == found.alpha / 2
        sides.add((test.within, test.beyond))
    assert sides == {(True, False), (False, False), (False, True)}


def test_a_margin_is_tested_on_the_side_that_matters_whatever_side_the_difference_is() -> None:
    arms = measured("0", 10_000, 1.0, 1.0), measured("1", 10_000, 1.0, 1.0)
    plan = PLANS["welch, one-sided"]
    found = compared(guardrail(), *arms, plan)
    assert found.interval.low == -np.inf
    test = against(found)
    assert test.alpha == 0.05
    assert -np.inf < test.bound < 0
    assert test.difference_bound == pytest.approx(-found.interval.high)


def test_welch_at_a_margin_is_the_textbook_test_of_a_ratio() -> None:
    """T = (m_t - theta m_c) / sqrt(s_t²/n_t + theta² s_c²/n_c): Hauschke et al. (1999)."""
    control, treatment = measured("0", 5_000, 10.0, 36.0), measured("1", 5_000, 9.8, 30.0)
    test = against(compared(guardrail(margin=0.05), control, treatment, PLANS["welch"]))
    statistic = (9.8 - 0.95 * 10) / sqrt(30 / 5_000 + 0.95**2 * 36 / 5_000)
    assert test.p_value == pytest.approx(stats.norm.sf(statistic), rel=5e-3)


def test_welch_without_a_change_of_the_control_is_that_of_scipy() -> None:
    """With a control that does not vary, the margin is a constant: a one-sample test."""
    control, treatment = measured("0", 400, 10.0, 0.0), measured("1", 400, 9.8, 4.0)
    test = against(compared(guardrail(margin=0.05), control, treatment, PLANS["bayesian"]))
    assert test.p_value == pytest.approx(stats.norm.sf(0.3 / sqrt(4 / 400)))


def test_the_bayesian_p_is_the_chance_of_a_worse_change() -> None:
    test = against(
        compared(
            guardrail("decrease", rate=True),
            counted("0", 20_000, 4_000),
            counted("1", 20_000, 4_050),
            PLANS["bayesian"],
        )
    )
    random = np.random.default_rng(1)
    before, after = random.beta(4_001, 16_001, 400_000), random.beta(4_051, 15_951, 400_000)
    assert test.p_value == pytest.approx(float(np.mean(after > 1.05 * before)), abs=0.002)


@pytest.mark.parametrize("mean", [0.0, -3.0, 0.01])
def test_there_is_no_test_where_there_is_no_relative_change(mean: float) -> None:
    arms = measured("0", 1_000, mean, 1.0), measured("1", 1_000, mean, 1.0)
    found = compared(guardrail(), *arms, PLANS["welch"])
    assert found.non_inferiority is None
    assert not found.decided


def test_a_metric_without_a_margin_has_no_such_test() -> None:
    arms = measured("0", 1_000, 1.0, 1.0), measured("1", 1_000, 1.0, 1.0)
    assert compared(Mean("m", role="guardrail"), *arms, PLANS["welch"]).non_inferiority is None


def test_a_planned_look_decides_once_the_margin_is_decided() -> None:
    """A significant change within the margin that is not known to be within it waits for the next look."""
    metric, plan = guardrail(margin=0.05), PLANS["group-sequential"]
    looks = [
        compared(
            metric,
            measured("0", units // 2, 10.0, 30.0),
            measured("1", units // 2, 9.6, 30.0),
            plan,
            units=units,
        )
        for units in (60_000, 100_000)
    ]
    assert [each.significant for each in looks] == [True, True]
    assert [each.decided for each in looks] == [False, True]
    assert deciding_look([None, *looks]) == (2, looks[1])


@pytest.mark.parametrize(("margin", "within", "bound"), [(-0.02, True, -0.02), (0.02, True, 0.02)])
def test_rounding_never_lets_the_bound_contradict_the_test(
    margin: float, bound: float, *, within: bool
) -> None:
    better = agreeing_bound(bound, margin=margin, within=within)
    assert better > margin if margin < 0 else better < margin
    assert better == pytest.approx(margin)
    assert agreeing_bound(0.5 * margin, margin=margin, within=False) == margin


def share_within(
    *, looks: int, runs: int, plan: AnalysisPlan, change: float, margin: float = 0.05, seed: int
) -> float:
    """How often the margin is ruled out at any look, of normal means; the true change is relative."""
    random, per_look, alpha = np.random.default_rng(seed), 2_000, 0.05
    units = per_look * np.arange(1, looks + 1)
    step = sqrt(per_look)
    control = 10 + (random.normal(0, 10 * step, (runs, looks)).cumsum(axis=1)) / units
    treatment = (
        10 * (1 + change) + (random.normal(0, 10 * step, (runs, looks)).cumsum(axis=1)) / units
    )
    factor = 1 - margin
    score = (treatment - factor * control) / np.sqrt((1 + factor**2) * 100 / units)
    tau = sqrt(2 * 100 / per_look)
    bound = np.array([half_width(200 / n, tau=tau, alpha=alpha) / sqrt(200 / n) for n in units])
    # The real test at the look that is nearest to ruling it out says of all looks what it says of that.
    nearest = np.argmax(score - bound, axis=1)
    metric = guardrail(margin=margin)
    found = (
        compared(
            metric,
            measured("0", int(units[at]), float(control[run, at]), 100.0),
            measured("1", int(units[at]), float(treatment[run, at]), 100.0),
            plan,
            tau=tau,
            alpha=alpha,
        )
        for run, at in enumerate(nearest)
    )
    return sum(against(each).within for each in found if each.non_inferiority) / runs


@pytest.mark.parametrize(("name", "looks"), [("sequential", 100), ("welch", 1)])
def test_a_change_as_bad_as_the_margin_is_found_within_it_as_seldom_as_designed(
    name: str, looks: int
) -> None:
    share = share_within(looks=looks, runs=4_000, plan=PLANS[name], change=-0.05, seed=5)
    assert share <= 0.025 + 3 * sqrt(0.025 * 0.975 / 4_000)
    if looks == 1:
        assert share >= 0.025 - 3 * sqrt(0.025 * 0.975 / 4_000)


def test_no_change_is_found_within_the_margin_by_100_looks() -> None:
    assert share_within(looks=100, runs=500, plan=PLANS["sequential"], change=0.0, seed=6) > 0.99
