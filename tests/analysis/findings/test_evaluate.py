"""From sums to findings: methods, gates, corrections."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from math import inf, isfinite, sqrt
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.findings.evaluate import check_ratio, evaluate, taus
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.findings.planned_looks import WITHOUT_TIMES
from abkit.analysis.findings.tau import Arrivals
from abkit.analysis.inference.bayesian import bayesian_means, bayesian_rates
from abkit.analysis.inference.correction import benjamini_hochberg, holm
from abkit.analysis.inference.sequential import sequential
from abkit.analysis.inference.variance import at_least_pooled
from abkit.analysis.inference.welch import welch
from abkit.analysis.statistics.estimands import Estimand
from abkit.errors import AnalysisError, MissingExtraError, TooFewVariantsError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Formula, Mean, Metric, Ratio, Sum, Total

from .samples import alone, conversions, design, spread, sums

CLICKS = Conversion("clicks", goal=0.1)
SPENT = Mean("spent", goal=0.1)
ARMS = {"0": conversions(5000, 500), "1": conversions(5000, 600)}
SPREAD = {"0": spread(4000, 10.0, 90.0), "1": spread(4400, 10.6, 100.0)}


def one(
    metric: Metric, arms: Any, plan: AnalysisPlan | None = None, **options: Any
) -> MetricResult:
    variants = tuple(arms)
    (found,) = evaluate(
        arms, [alone(metric)], design(metric, variants=variants), plan or AnalysisPlan(), **options
    )
    return found


def test_the_sequential_test_looks_for_the_goal_and_says_its_tau() -> None:
    found = one(CLICKS, ARMS)
    (treatment,) = found.treatments
    arms = found.control.moments, treatment.arm.moments
    assert isinstance(found.tau, Mapping)
    (goal, weight), (other, rest) = found.tau.items()
    assert [goal, weight, rest] == pytest.approx([0.1 * 0.1, 0.6, 0.4])
    assert other == pytest.approx(sqrt(7.94 * at_least_pooled(*arms).difference), rel=1e-3)
    assert treatment.comparison == sequential(*arms, tau=found.tau)
    assert taus([found]) == {"clicks": found.tau}


def test_without_a_goal_it_looks_for_the_standard_error_of_the_first_look() -> None:
    """A quarter of the units had come by then; 100 in each arm at least."""
    arms = {"0": spread(4000, 10.0, 90.0), "1": spread(4000, 10.6, 100.0)}
    found = one(Mean("spent"), arms, first_look={"1": (0.25, 0.25)})
    assert found.tau == pytest.approx(sqrt((90 + 100) / 1000))
    early = one(Mean("spent"), arms, first_look={"1": (0.001, 0.001)})
    assert early.tau == pytest.approx(sqrt((90 + 100) / 100))


def test_the_first_look_is_one_at_which_conversions_could_be_compared() -> None:
    """Of 1% of the units 5 had converted: 25 are needed, which five times as many units have."""
    found = one(Conversion("clicks"), ARMS, first_look={"1": (0.01, 0.01)})
    variance = 0.1 * 0.9 + 0.12 * 0.88
    assert found.tau == pytest.approx(sqrt(variance / (5000 * 0.05)))


def test_a_variant_that_starts_later_has_a_first_look_of_its_own() -> None:
    """On the first day 100 units of the control and of b came; c started on the second one.

    The first day may have had few hours: it counts for half of two days, if these are more.
    """
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)]
    new_units = {
        (days[0], "a", 0): 100,
        (days[0], "b", 0): 100,
        (days[1], "a", 0): 300,
        (days[1], "b", 0): 700,
        (days[1], "c", 0): 200,
    }
    shares = Arrivals.of(new_units).at_first_look("a")
    assert shares == {"b": (0.5, 0.5), "c": (1.0, 1.0)}
    arms = {
        "a": spread(400, 10.0, 90.0),
        "b": spread(800, 10.0, 90.0),
        "c": spread(200, 10.0, 90.0),
    }
    assert one(Mean("spent"), arms, first_look=shares).tau == pytest.approx(
        sqrt(90 / 400 + 90 / 200)
    )


def test_a_tau_that_is_given_is_used() -> None:
    found = one(CLICKS, ARMS, AnalysisPlan(taus={"clicks": 0.02}))
    assert taus([found]) == {"clicks": 0.02}


def test_no_tau_is_told_before_anything_was_compared() -> None:
    assert taus([one(CLICKS, {"0": conversions(99, 30), "1": conversions(99, 30)})]) == {}
    assert taus([one(CLICKS, ARMS, AnalysisPlan(method="welch"))]) == {}


def test_welch_compares_both_sides() -> None:
    found = one(SPENT, SPREAD, AnalysisPlan(method="welch"))
    (treatment,) = found.treatments
    arms = found.control.moments, treatment.arm.moments
    assert treatment.comparison == welch(*arms, variance_rule=at_least_pooled)


@pytest.mark.parametrize("method", ["sequential", "welch"])
@pytest.mark.parametrize(
    ("direction", "role", "side"),
    [
        ("increase", "primary", "greater"),
        ("decrease", "primary", "less"),
        ("increase", "guardrail", "less"),
        ("decrease", "guardrail", "greater"),
    ],
)
def test_one_side_is_the_wanted_one_and_of_a_guardrail_the_harmful_one(
    method: str, direction: str, role: str, side: Any
) -> None:
    metric = Mean("spent", direction=direction, role=role)
    found = one(metric, SPREAD, AnalysisPlan(method=method, alternative="one-sided"))
    (treatment,) = found.treatments
    assert treatment.comparison is not None
    arms = found.control.moments, treatment.arm.moments
    if method == "welch":
        expected = welch(*arms, alternative=side, variance_rule=at_least_pooled)
        assert treatment.comparison == expected
    else:
        assert found.tau is not None
        assert treatment.comparison == sequential(*arms, tau=found.tau, alternative=side)
    assert treatment.comparison.interval.high == (
        inf if side == "greater" else pytest.approx(1, abs=1)
    )


def test_a_one_sided_test_without_a_side_is_refused() -> None:
    plan = AnalysisPlan(method="welch", alternative="one-sided")
    with pytest.raises(AnalysisError, match="spent has direction='any'"):
        one(Mean("spent", direction="any"), SPREAD, plan)


@pytest.mark.parametrize(
    ("size", "missing"),
    [
        (8_400, ()),
        (8_401, ("1 more unit to reach the planned sample size",)),
        (20_745, ("12,345 more units to reach the planned sample size",)),
    ],
)
def test_welch_says_nothing_before_the_planned_size(size: int, missing: tuple[str, ...]) -> None:
    (treatment,) = one(SPENT, SPREAD, AnalysisPlan(method="welch", sample_size=size)).treatments
    assert treatment.missing == missing
    assert (treatment.comparison is None) is bool(missing)
    assert (treatment.corrected_p is None) is bool(missing)


def test_a_part_of_the_units_counts_those_of_the_whole_as_seen() -> None:
    plan = AnalysisPlan(method="welch", sample_size=10_000).for_segments
    assert one(SPENT, SPREAD, plan).treatments[0].comparison is None
    whole = {"0": spread(5000, 10.0, 90.0), "1": spread(5000, 10.6, 100.0)}
    assert one(SPENT, SPREAD, plan, whole=whole).treatments[0].comparison is not None


def test_bayesian_rates_have_chances_and_beliefs() -> None:
    found = one(CLICKS, ARMS, AnalysisPlan(method="bayesian"))
    (treatment,) = found.treatments
    expected = bayesian_rates(found.control.moments, treatment.arm.moments)
    assert treatment.comparison == expected
    assert treatment.chance_to_beat == expected.details["chance_to_beat_control"]
    assert treatment.chance_to_be_best == pytest.approx(treatment.chance_to_beat, abs=1e-4)
    assert found.control_chance_to_be_best == pytest.approx(1 - treatment.chance_to_beat, abs=1e-4)
    assert found.control.posterior_mean == pytest.approx(501 / 5002)


def test_where_less_is_better_the_chance_is_that_of_less() -> None:
    falling = Mean("spent", direction="decrease")
    up, down = (
        one(metric, SPREAD, AnalysisPlan(method="bayesian")).treatments[0]
        for metric in (SPENT, falling)
    )
    assert up.chance_to_beat is not None
    assert down.chance_to_beat == pytest.approx(1 - up.chance_to_beat)
    assert down.chance_to_be_best == pytest.approx(down.chance_to_beat, abs=1e-4)
    control, treated = (of for of in (SPREAD["0"], SPREAD["1"]))
    assert up.comparison == bayesian_means(
        alone(SPENT).moments(control), alone(SPENT).moments(treated)
    )


def test_the_chances_to_be_best_of_all_arms_sum_to_one() -> None:
    arms = {
        "0": conversions(5000, 500),
        "1": conversions(5000, 520),
        "2": conversions(5000, 540),
        "3": conversions(50, 20),
    }
    found = one(CLICKS, arms, AnalysisPlan(method="bayesian"))
    chances = [t.chance_to_be_best for t in found.treatments]
    assert chances[2] is None
    assert found.treatments[2].missing == (
        "50 more units in variant 3",
        "5 more conversions in variant 3",
    )
    known = [found.control_chance_to_be_best, *chances[:2]]
    assert sum(chance or 0.0 for chance in known) == pytest.approx(1)
    assert known == sorted(known, key=lambda chance: chance or 0.0)


def test_one_unit_that_did_not_convert_leaves_a_belief_of_a_third() -> None:
    found = one(
        CLICKS,
        {"0": conversions(1, 0), "1": conversions(5000, 600)},
        AnalysisPlan(method="bayesian"),
    )
    assert found.control.posterior_mean == pytest.approx(1 / 3)
    assert found.treatments[0].comparison is None


def test_an_arm_without_variance_has_no_chance_to_be_best() -> None:
    arms = {"0": spread(4000, 10.0, 90.0), "1": spread(4000, 10.5, 0.0)}
    found = one(SPENT, arms, AnalysisPlan(method="bayesian"))
    assert found.treatments[0].chance_to_beat is not None
    assert found.treatments[0].chance_to_be_best is None


def test_sums_without_times_have_no_planned_look() -> None:
    """Not even at exactly one of the planned sizes: who asks again there has looked twice."""
    plan = AnalysisPlan(method="group-sequential", sample_size=20_000, looks=4)
    (treatment,) = one(CLICKS, ARMS, plan).treatments
    assert treatment.comparison is None
    assert treatment.missing == (WITHOUT_TIMES,)


# Corrections: two primaries, two secondaries and a guardrail, with three treatments.
METRICS: tuple[Metric, ...] = (
    Mean("p1"),
    Mean("p2"),
    Mean("s1", role="secondary"),
    Mean("s2", role="secondary"),
    Mean("g", role="guardrail"),
)
VARIANTS = ("0", "1", "2", "3")


def several(plan: AnalysisPlan, means: dict[str, float] | None = None) -> tuple[MetricResult, ...]:
    """Each metric has the same values: a difference that differs by variant."""
    by_variant = means or {"0": 10.0, "1": 10.5, "2": 10.7, "3": 10.02}
    arms = {variant: spread(2000, mean, 60.0) for variant, mean in by_variant.items()}
    estimands = [alone(metric) for metric in METRICS]
    return evaluate(arms, estimands, design(*METRICS, variants=VARIANTS), plan)


def test_bonferroni_counts_as_amplitude_does() -> None:
    """A primary metric: one comparison per treatment; secondary ones: all of them together."""
    found = several(AnalysisPlan(method="welch"))
    assert [each.comparisons for each in found] == [3, 3, 6, 6, 3]
    for each in found:
        for treatment in each.treatments:
            assert treatment.comparison is not None
            assert treatment.comparison.alpha == pytest.approx(0.05 / each.comparisons)
            adjusted = min(1.0, each.comparisons * treatment.comparison.p_value)
            assert treatment.corrected_p == pytest.approx(adjusted)


def test_without_a_correction_all_are_tested_at_the_level() -> None:
    for each in several(AnalysisPlan(method="welch", correction="none")):
        assert each.comparisons == 1
        for treatment in each.treatments:
            assert treatment.comparison is not None
            assert treatment.comparison.alpha == 0.05
            assert treatment.corrected_p == treatment.comparison.p_value


@pytest.mark.parametrize(
    ("correction", "procedure"), [("holm", holm), ("benjamini-hochberg", benjamini_hochberg)]
)
@pytest.mark.parametrize("method", ["welch", "sequential"])
def test_stepwise_corrections_adjust_within_the_same_families(
    method: str, correction: str, procedure: Any
) -> None:
    found = several(AnalysisPlan(method=method, correction=correction))
    for family in ([0], [1], [2, 3], [4]):
        treatments = [t for place in family for t in found[place].treatments]
        p_values = [t.comparison.p_value for t in treatments if t.comparison]
        adjusted = procedure(p_values)
        assert [t.corrected_p for t in treatments] == pytest.approx(adjusted)
        for treatment, p_value in zip(treatments, adjusted, strict=True):
            assert treatment.comparison is not None
            assert treatment.comparison.significant is (p_value <= 0.05)


def test_a_variant_that_cannot_be_compared_yet_counts_in_its_family() -> None:
    arms = {"0": conversions(5000, 500), "1": conversions(5000, 600), "2": conversions(50, 9)}
    found = one(CLICKS, arms, AnalysisPlan(method="welch", correction="holm"))
    first, second = found.treatments
    assert found.comparisons == 2
    assert first.comparison is not None
    assert first.comparison.alpha == pytest.approx(0.05 / 2)
    assert second.comparison is None


means = st.lists(st.floats(9, 11).map(lambda mean: round(mean, 2)), min_size=4, max_size=4).map(
    lambda of: dict(zip(VARIANTS, of, strict=True))
)


@given(
    means,
    st.sampled_from(["sequential", "welch"]),
    st.sampled_from(["bonferroni", "holm", "benjamini-hochberg", "none"]),
)
def test_verdict_intervals_and_corrected_p_never_contradict_each_other(
    by_variant: dict[str, float], method: str, correction: str
) -> None:
    for found in several(AnalysisPlan(method=method, correction=correction), by_variant):
        for treatment in found.treatments:
            compared = treatment.comparison
            assert compared is not None
            assert treatment.corrected_p is not None
            excludes = not compared.interval.low <= 0 <= compared.interval.high
            assert excludes is compared.significant
            assert compared.significant is (treatment.corrected_p <= 0.05 * (1 + 1e-12))
            if compared.lift_interval is not None:
                relative = not compared.lift_interval.low <= 0 <= compared.lift_interval.high
                assert relative is compared.significant


# What cannot be computed.

ORDERS, VISITS, PAID = Total("order"), Total("visit"), Sum("order", property="price")
PER_VISIT = Ratio("orders per visit", numerator=ORDERS, denominator=VISITS)
PRICE = Formula("price", expression=PAID / ORDERS)


def test_a_division_by_zero_stops_its_own_metric_only() -> None:
    estimands = [
        Estimand(metric=PER_VISIT, places={ORDERS: 0, VISITS: 1}),
        alone(ORDERS),
        Estimand(metric=PRICE, places={PAID: 2, ORDERS: 0}),
    ]
    orders, visits, paid = [0.0, 1.0, 2.0] * 100, [1.0, 2.0, 2.0] * 100, [0.0, 7.0, 9.0] * 100
    arms = {"0": sums(orders, visits, paid), "1": sums(orders, [0.0] * 300, paid)}
    ratio, total, price = evaluate(
        arms, estimands, design(PER_VISIT, ORDERS, PRICE), AnalysisPlan()
    )
    (treatment,) = ratio.treatments
    assert treatment.comparison is None
    assert treatment.missing == ("a divisor of orders per visit that is not 0 in variant 1",)
    assert treatment.arm.problem == treatment.missing[0]
    assert ratio.control.moments.mean == pytest.approx(1 / (5 / 3))
    assert total.treatments[0].comparison is not None
    assert price.control.moments.mean == pytest.approx(16 / 3)


def test_a_ratio_of_no_unit_waits_for_units() -> None:
    estimand = Estimand(metric=PER_VISIT, places={ORDERS: 0, VISITS: 1})
    arms = {
        "0": sums([1.0, 2.0] * 60, [2.0, 3.0] * 60),
        "2": sums([1.0, 0.0] * 60, [2.0, 3.0] * 60),
    }
    (found,) = evaluate(
        arms, [estimand], design(PER_VISIT, variants=("0", "1", "2")), AnalysisPlan()
    )
    assert [t.arm.variant for t in found.treatments] == ["1", "2"]
    assert found.treatments[0].missing == ("100 more units in variant 1",)
    assert found.treatments[1].comparison is not None


def test_a_formula_beyond_all_numbers_stops_its_own_metric_only() -> None:
    product = Formula("product", expression=PAID * PAID * PAID * PAID)
    estimands = [Estimand(metric=product, places={PAID: 0}), alone(PAID)]
    arms = {"0": sums([1.0, 2.0] * 99), "1": spread(200, 1e100, 1e200)}
    found, plain = evaluate(arms, estimands, design(product, PAID), AnalysisPlan())
    assert found.treatments[0].missing == (
        "a value of product that is no more than 1e308 in variant 1",
    )
    assert plain.treatments[0].comparison is not None


@pytest.mark.parametrize("value", [float("nan"), inf, -inf])
def test_values_that_are_not_finite_are_refused_by_name(value: float) -> None:
    arms = {"0": spread(200, 1.0, 1.0), "1": sums([value, *[1.0, 2.0] * 100])}
    with pytest.raises(AnalysisError, match="spent has values in variant 1 that are not finite"):
        one(SPENT, arms)


def test_without_a_control_or_a_second_variant_there_is_nothing_to_compare() -> None:
    for arms in ({"0": conversions(9, 1)}, {"1": conversions(9, 1), "2": conversions(9, 1)}):
        with pytest.raises(TooFewVariantsError):
            evaluate(arms, [alone(CLICKS)], design(CLICKS), AnalysisPlan())
    empty = {"0": conversions(9, 1), "1": conversions(0, 0)}
    with pytest.raises(TooFewVariantsError):
        evaluate(empty, [alone(CLICKS)], design(CLICKS), AnalysisPlan())


@pytest.mark.parametrize(("one_look", "p_value"), [(True, 0.0026998), (False, 0.1108919)])
def test_the_arms_sizes_are_checked_against_the_weights(one_look: bool, p_value: float) -> None:
    """A variant that is not declared has no designed share."""
    counts = {"0": 5150, "1": 4850, "other": 900}
    found = check_ratio(counts, design(CLICKS), one_look=one_look)
    assert found.p_value == pytest.approx(p_value, rel=1e-3)
    assert found.alarm is one_look
    equal = evolve(design(CLICKS), weights={})
    assert check_ratio({"0": 500, "1": 500}, equal, one_look=one_look).weights == {
        "0": 0.5,
        "1": 0.5,
    }


@pytest.mark.parametrize(
    ("method", "alternative"),
    [
        ("welch", "two-sided"),
        ("bayesian", "two-sided"),
        ("sequential", "one-sided"),
    ],
)
def test_without_scipy_the_extra_is_named(
    method: str, alternative: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("abkit.analysis.inference.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(MissingExtraError, match="scipy"):
        one(CLICKS, ARMS, AnalysisPlan(method=method, alternative=alternative, sample_size=10_000))
    assert one(CLICKS, ARMS).treatments[0].comparison is not None


def test_all_numbers_of_a_plain_result_are_finite() -> None:
    """Beside a control without conversions, too."""
    arms = {"0": spread(4000, 0.0, 0.0), "1": spread(4000, 1.0, 2.0)}
    (treatment,) = one(SPENT, arms).treatments
    assert treatment.comparison is not None
    assert isfinite(treatment.comparison.interval.low)
    assert treatment.comparison.lift is None
