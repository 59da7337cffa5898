"""What explains the numbers of a comparison."""

from datetime import timedelta

import pytest
from attrs import evolve

from abkit import AnalysisPlan, Conversion, Mean
from abkit.analysis.findings.badges import Badge
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.presentation import figures
from abkit.analysis.presentation.explanations import (
    explained_badge,
    explained_comparison,
    explained_mean,
    explained_units,
)
from abkit.analysis.units import UnitsAnalysis

UNITS = [
    {"version": version, "bought": int(number % 100 < rate), "paid": float(number % 7 + extra)}
    for version, rate, extra in (("a", 30, 0), ("b", 40, 1))
    for number in range(2_000)
]


def found_by(plan: AnalysisPlan) -> tuple[MetricResult, MetricResult]:
    import pandas as pd

    result = UnitsAnalysis(
        pd.DataFrame(UNITS),
        variant="version",
        control="a",
        metrics=[Conversion("bought", goal=0.05), Mean("paid")],
        plan=plan,
    ).run()
    return result["bought"], result["paid"]


WELCH = AnalysisPlan(method="welch")


@pytest.fixture(scope="module")
def found() -> tuple[MetricResult, MetricResult]:
    return found_by(WELCH)


def told(what: str, found: MetricResult, plan: AnalysisPlan = WELCH) -> str:
    return explained_comparison(what, found, found["b"], plan)


def test_a_rate_is_what_converted_of_the_units(found: tuple[MetricResult, MetricResult]) -> None:
    bought, paid = found
    assert (
        explained_mean(bought, bought.control) == "Rate of a: 600 of 2,000 units converted, 30.00%."
    )
    assert explained_mean(paid, paid.control).startswith("Mean of a over 2,000 units: ")
    assert "standard deviation 1.9999." in explained_mean(paid, paid.control)
    assert explained_units(bought.control).startswith("2,000 units of a")


def test_the_difference_and_the_lift_show_their_sum(
    found: tuple[MetricResult, MetricResult],
) -> None:
    bought, _ = found
    assert told("difference", bought).startswith(
        "Difference of the means: 40.00% - 30.00% = +10.00 pp, standard error 1."
    )
    assert "+10.00 pp / 30.00% = +33.33%." in told("lift", bought)


def test_the_interval_and_the_p_value_name_the_test_and_what_it_decides(
    found: tuple[MetricResult, MetricResult],
) -> None:
    bought, _ = found
    comparison = bought["b"].comparison
    assert comparison is not None
    interval = told("interval", bought)
    assert figures.interval(comparison) in interval
    assert "Welch" in interval
    assert interval.endswith("It does not include 0: no difference is ruled out.")
    assert "significant." in told("proof", bought)
    assert "p < 0.0001" in told("proof", bought)


def test_the_sequential_test_tells_what_it_looks_for() -> None:
    plan = AnalysisPlan(method="sequential")
    bought, _ = found_by(plan)
    assert "The difference that is looked for (tau) is" in told("proof", bought, plan)


def test_a_chance_is_explained_as_one() -> None:
    plan = AnalysisPlan(method="bayesian")
    bought, _ = found_by(plan)
    assert told("proof", bought, plan).startswith(
        "The chance, given the data and flat priors, that b"
    )


def test_a_lift_that_is_undefined_says_why(found: tuple[MetricResult, MetricResult]) -> None:
    bought, _ = found
    comparison = bought["b"].comparison
    assert comparison is not None
    without = evolve(bought["b"], comparison=evolve(comparison, lift=None, lift_interval=None))
    assert "is too near 0 to divide by" in explained_comparison("lift", bought, without, WELCH)


def test_nothing_is_explained_of_what_was_not_compared(
    found: tuple[MetricResult, MetricResult],
) -> None:
    bought, _ = found
    waiting = evolve(bought["b"], comparison=None)
    for what in ("difference", "lift", "interval", "proof"):
        assert explained_comparison(what, bought, waiting, WELCH) == ""


@pytest.mark.parametrize("badge", [*Badge])
@pytest.mark.parametrize("direction", ["increase", "decrease", "any"])
def test_each_badge_says_when_it_holds(badge: Badge, direction: str) -> None:
    metric = Conversion("bought", goal=0.05, direction=direction, window=timedelta(days=7))
    assert explained_badge(badge, metric).endswith(".")
