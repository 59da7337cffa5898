"""Every two variants beside the control."""

from math import comb
from typing import Any

import pytest

from abkit.analysis.findings.evaluate import evaluate, in_order
from abkit.analysis.findings.pairs import Pair, evaluate_pairs, pairs
from abkit.analysis.findings.tau import FirstLook
from abkit.analysis.inference.correction import holm
from abkit.analysis.inference.variance import at_least_pooled
from abkit.analysis.inference.welch import welch
from abkit.analysis.statistics.aggregates import Moments
from abkit.analysis.sums import SumsAnalysis
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Mean, Metric

from .samples import alone, conversions, design, spread

CLICKS = Conversion("clicks")
RATES = {"0": 500, "1": 560, "2": 640, "3": 600}
ARMS = {variant: conversions(5000, converted) for variant, converted in RATES.items()}
WELCH = AnalysisPlan(method="welch")


def of(plan: AnalysisPlan, arms: Any = None, *metrics: Metric, **options: Any) -> tuple[Pair, ...]:
    arms, metrics = arms or ARMS, metrics or (CLICKS,)
    ordered = in_order(arms, design(*metrics, variants=tuple(arms)))
    return pairs(evaluate_pairs(ordered, [alone(metric) for metric in metrics], plan, **options))


def test_each_two_variants_are_compared_once_and_the_control_is_none() -> None:
    found = of(WELCH)
    assert [pair.variants for pair in found] == [("1", "2"), ("1", "3"), ("2", "3")]
    assert {pair.comparisons for pair in found} == {3}
    for pair in found:
        first, second = (ARMS[variant] for variant in pair.variants)
        moments = [Moments.from_successes(s.n, round(s.totals[0])) for s in (first, second)]
        assert pair.second.comparison == welch(
            *moments, alpha=0.05 / 3, variance_rule=at_least_pooled
        )


def test_a_pair_is_what_a_result_with_another_control_says_but_for_its_level() -> None:
    plan = AnalysisPlan(method="welch", correction="none")
    (beside,) = evaluate(ARMS, [alone(CLICKS)], design(CLICKS, variants=("2", "3", "0", "1")), plan)
    pair = of(plan)[-1]
    assert pair.second.comparison == beside["3"].comparison


def test_one_variant_beside_the_control_has_no_pair() -> None:
    assert of(WELCH, {"0": ARMS["0"], "1": ARMS["1"]}) == ()


def test_all_pairs_of_secondary_metrics_are_read_together() -> None:
    metrics = (CLICKS, Mean("a", role="secondary"), Mean("b", role="secondary"))
    found = of(WELCH, None, *metrics)
    assert [pair.metric.name for pair in found] == ["clicks"] * 3 + ["a"] * 3 + ["b"] * 3
    assert [pair.comparisons for pair in found] == [3] * 3 + [6] * 6


def test_holm_steps_through_all_pairs() -> None:
    raw = [pair.second.comparison for pair in of(AnalysisPlan(method="welch", correction="none"))]
    stepped = [
        pair.second.corrected_p for pair in of(AnalysisPlan(method="welch", correction="holm"))
    ]
    assert stepped == pytest.approx(holm([each.p_value for each in raw if each is not None]))


def test_the_sequential_test_takes_the_first_look_of_the_two() -> None:
    looks: dict[str, FirstLook] = {
        "1": {"2": (0.25, 0.25), "3": (0.25, 0.25), "0": (0.25, 0.25)},
        "2": {"3": (0.5, 0.5), "1": (0.5, 0.5), "0": (0.5, 0.5)},
    }
    arms = {variant: spread(4000, 10.0, 90.0) for variant in ("0", "1", "2", "3")}
    ordered = in_order(arms, design(Mean("m"), variants=tuple(arms)))
    results = evaluate_pairs(ordered, [alone(Mean("m"))], AnalysisPlan(), first_looks=looks)
    ratio = results[0].tau, results[1].tau
    assert isinstance(ratio[0], float)
    assert isinstance(ratio[1], float)
    assert ratio[0] / ratio[1] == pytest.approx(2**0.5)


def test_a_variant_that_cannot_be_compared_yet_says_what_it_waits_for() -> None:
    found = of(WELCH, {**ARMS, "3": conversions(50, 5)})
    assert found[0].second.comparison is not None
    assert "50 more units in variant 3" in found[1].second.missing


def test_of_two_variants_no_one_is_said_to_be_the_best_of_all() -> None:
    (pair, *_) = of(AnalysisPlan(method="bayesian"))
    assert pair.second.chance_to_beat is not None
    assert pair.second.chance_to_be_best is None


def test_a_result_has_its_pairs() -> None:
    analysis = SumsAnalysis(
        "Plugins", sums={CLICKS: RATES}, units=dict.fromkeys(RATES, 5000), control="0"
    )
    result = analysis.run()
    assert len(result.pairs) == comb(3, 2)
    told = result.to_dict()["pairs"]
    assert isinstance(told, list)
    assert [told[0]["variant"], told[0]["compared_with"]] == ["2", "1"]
