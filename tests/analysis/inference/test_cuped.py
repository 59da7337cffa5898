from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri, stdtr

from abkit.analysis.aggregates import Moments
from abkit.analysis.inference.cuped import PairedMoments, adjust, correlation, theta
from abkit.analysis.inference.ratio import ratio
from abkit.analysis.inference.variance import separate
from abkit.analysis.inference.welch import degrees_of_freedom, welch
from abkit.errors import AnalysisError


def of(metric: Any, covariate: Any) -> PairedMoments:
    """From one value a unit."""
    return PairedMoments(
        Moments(len(metric), float(np.mean(metric)), float(np.var(metric, ddof=1))),
        Moments(len(metric), float(np.mean(covariate)), float(np.var(covariate, ddof=1))),
        float(np.cov(metric, covariate)[0, 1]),
    )


units = st.lists(
    st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=2, max_size=20
).filter(lambda rows: np.ptp([x for _, x in rows]) > 1e-2)


@given(units, units)
def test_theta_and_the_moments_are_those_of_the_adjusted_units(
    control: list[tuple[float, float]], treatment: list[tuple[float, float]]
) -> None:
    """All arms share one theta, the slope of the least squares line through all units."""
    everyone = np.array(control + treatment)
    slope = float(np.polynomial.polynomial.polyfit(everyone[:, 1], everyone[:, 0], 1)[1])
    arms = [of(*np.array(rows).T) for rows in (control, treatment)]
    assert theta(arms) == pytest.approx(slope, rel=1e-6, abs=1e-6)
    for rows, found in zip((control, treatment), adjust(arms), strict=True):
        y, x = np.array(rows).T
        adjusted = y - theta(arms) * (x - everyone[:, 1].mean())
        assert found.n == len(rows)
        assert found.mean == pytest.approx(adjusted.mean(), rel=1e-6, abs=1e-6)
        assert found.variance == pytest.approx(adjusted.var(ddof=1), rel=1e-6, abs=1e-5)


def test_the_variance_falls_by_the_squared_correlation() -> None:
    random = np.random.default_rng(1)
    before = random.normal(10, 3, 20_000)
    after = 0.8 * before + random.normal(0, 2, 20_000)
    arm = of(after, before)
    (adjusted,) = adjust([arm])
    assert adjusted.variance == pytest.approx(arm.metric.variance * (1 - correlation(arm) ** 2))
    assert correlation(arm) == pytest.approx(np.corrcoef(after, before)[0, 1])


def test_a_covariate_that_does_not_vary_changes_nothing() -> None:
    arms = [PairedMoments(Moments(9, mean, 2.0), Moments(9, 1.0, 0.0), 0.0) for mean in (1.0, 1.5)]
    assert adjust(arms) == tuple(arm.metric for arm in arms)
    assert correlation(arms[0]) == 0.0


def test_arms_without_units_have_no_theta() -> None:
    empty = PairedMoments(Moments(0, 0.0, 0.0), Moments(0, 0.0, 0.0), 0.0)
    assert theta([empty, empty]) == 0.0
    assert adjust([empty]) == (empty.metric,)


def test_an_empty_arm_leaves_the_theta_of_the_others() -> None:
    arm = PairedMoments(Moments(9, 1.0, 2.0), Moments(9, 3.0, 4.0), 2.0)
    empty = PairedMoments(Moments(0, 0.0, 0.0), Moments(0, 0.0, 0.0), 0.0)
    assert theta([arm, empty]) == pytest.approx(0.5)


def test_metric_and_covariate_are_of_the_same_units() -> None:
    with pytest.raises(AnalysisError, match="of the same units"):
        PairedMoments(Moments(9, 1.0, 2.0), Moments(8, 3.0, 4.0), 2.0)


def test_revenue_is_that_of_tea_tasting(vector: Any) -> None:
    case = vector("cuped_revenue_docs_teatasting")
    arms = []
    for arm in (case["inputs"]["control"], case["inputs"]["treatment"]):
        mean, variance = arm["mean"], arm["var"]
        arms.append(
            PairedMoments(
                Moments(arm["n"], mean["revenue"], variance["revenue"]),
                Moments(arm["n"], mean["revenue_covariate"], variance["revenue_covariate"]),
                arm["cov"]["revenue,revenue_covariate"],
            )
        )
    control, treatment = adjust(arms)
    found, exact = welch(control, treatment), case["verified"]["values"]
    assert control.mean == pytest.approx(exact["control"], rel=1e-12)
    assert treatment.mean == pytest.approx(exact["treatment"], rel=1e-12)
    assert found.p_value == pytest.approx(exact["p"], rel=1e-9)
    assert found.interval.low == pytest.approx(exact["ci_lower"], rel=1e-9)
    assert found.interval.high == pytest.approx(exact["ci_upper"], rel=1e-9)
    expected, near = case["expected"], case["tolerance"]["rel"]
    assert found.lift == pytest.approx(expected["rel_lift"], rel=near)
    assert found.lift_interval is not None
    assert found.lift_interval.low == pytest.approx(expected["rel_ci_lower"], rel=near)
    assert found.lift_interval.high == pytest.approx(expected["rel_ci_upper"], rel=near)
    assert found.p_value == pytest.approx(expected["p"], rel=near)


def test_lift_over_the_unadjusted_control_is_that_of_gbstats(vector: Any) -> None:
    """By the delta method: the covariance of the two means, the gradient at the plain means."""
    case = vector("cuped_relative_gbstats")
    arms = []
    for arm in (case["inputs"]["control"], case["inputs"]["treatment"]):
        n, post, pre = arm["n"], arm["post"], arm["pre"]
        covariance = (arm["post_pre"] - post[0] * pre[0] / n) / (n - 1)
        arms.append(
            PairedMoments(Moments.from_sums(n, *post), Moments.from_sums(n, *pre), covariance)
        )
    adjusted = adjust(arms)
    variances = separate(*adjusted)
    plain, difference = arms[0].metric, adjusted[1].mean - adjusted[0].mean
    lift = difference / plain.mean
    shared = (plain.variance - theta(arms) * arms[0].covariance) / plain.n
    slope = arms[1].metric.mean / plain.mean - 1
    variance = (
        variances.difference + slope**2 * plain.variance / plain.n + 2 * slope * shared
    ) / plain.mean**2
    expected, near = case["expected"], case["tolerance"]["abs"]
    assert lift == pytest.approx(expected["lift"], abs=near)
    assert sqrt(variance) == pytest.approx(case["verified"]["values"]["se"], rel=1e-9)
    freedom = degrees_of_freedom(variances, plain.n, adjusted[1].n)
    p_value = 2 * stdtr(freedom, -abs(lift) / sqrt(variance))
    assert p_value == pytest.approx(expected["p"], abs=near)


def test_ratio_with_a_covariate_ratio_is_that_of_tea_tasting(vector: Any) -> None:
    """Both ratios linearized around those of all units, for theta, and of the arm, for its variance."""
    case = vector("cuped_ratio_less_normal_teatasting")
    arms = [Sessions(arm) for arm in (case["inputs"]["control"], case["inputs"]["treatment"])]
    total_n = sum(arm.n for arm in arms)
    totals = {name: sum(arm.n * arm.mean[name] for arm in arms) / total_n for name in arms[0].mean}
    weight = theta([arm.linearized(totals) for arm in arms])
    overall = totals["orders_covariate"] / totals["sessions_covariate"]
    adjusted = []
    for arm in arms:
        own, before = arm.ratio(""), arm.ratio("_covariate")
        covariance = arm.linearized(arm.mean).covariance
        adjusted.append(
            Moments(
                arm.n,
                own.mean - weight * (before.mean - overall),
                own.variance - 2 * weight * covariance + weight**2 * before.variance,
            )
        )
    error = sqrt(separate(*adjusted).difference)
    difference = adjusted[1].mean - adjusted[0].mean
    expected, near = case["expected"], case["tolerance"]["rel"]
    assert adjusted[0].mean == pytest.approx(expected["control"], rel=near)
    assert adjusted[1].mean == pytest.approx(expected["treatment"], rel=near)
    assert difference / error == pytest.approx(expected["statistic"], rel=near)
    assert ndtr(difference / error) == pytest.approx(expected["p"], rel=near)
    assert difference + ndtri(0.95) * error == pytest.approx(expected["ci_upper"], rel=near)


class Sessions:
    """Orders and sessions of one arm, before and after."""

    def __init__(self, arm: dict[str, Any]) -> None:
        self.n: int = arm["n"]
        self.mean: dict[str, float] = arm["mean"]
        self._covariances = {tuple(pair.split(",")): value for pair, value in arm["cov"].items()}
        self._covariances |= {(name, name): value for name, value in arm["var"].items()}

    def covariance(self, one: str, other: str) -> float:
        pair = (one, other) if (one, other) in self._covariances else (other, one)
        return float(self._covariances[pair])

    def ratio(self, suffix: str) -> Moments:
        orders, sessions = "orders" + suffix, "sessions" + suffix
        return ratio(
            Moments(self.n, self.mean[orders], self.covariance(orders, orders)),
            Moments(self.n, self.mean[sessions], self.covariance(sessions, sessions)),
            covariance=self.covariance(orders, sessions),
        )

    def linearized(self, means: dict[str, float]) -> PairedMoments:
        """Each unit as (orders - R sessions) / mean sessions, R and the mean being those given."""
        weights = {
            suffix: {
                "orders" + suffix: 1 / means["sessions" + suffix],
                "sessions" + suffix: -means["orders" + suffix] / means["sessions" + suffix] ** 2,
            }
            for suffix in ("", "_covariate")
        }

        def mean(suffix: str) -> float:
            return sum(weight * self.mean[name] for name, weight in weights[suffix].items())

        def covariance(one: str, other: str) -> float:
            return sum(
                w * v * self.covariance(a, b)
                for a, w in weights[one].items()
                for b, v in weights[other].items()
            )

        return PairedMoments(
            Moments(self.n, mean(""), covariance("", "")),
            Moments(self.n, mean("_covariate"), covariance("_covariate", "_covariate")),
            covariance("", "_covariate"),
        )
