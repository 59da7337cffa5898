"""Likely mistakes in the arguments of an analysis are refused with what would be right."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from abkit import AnalysisPlan, Conversion, Mean
from abkit.analysis import Analysis, Design, SumsAnalysis, UnitsAnalysis
from abkit.analysis.declared.arguments import moment
from abkit.errors import AnalysisError, ArgumentError

from .asked import analyze

UNITS: dict[str, Any] = {"unit": "id", "variant": "v", "control": "a"}
EVENTS: dict[str, Any] = {"exposures": "e", "actions": None}


def units(**said: Any) -> UnitsAnalysis:
    return UnitsAnalysis("u.csv", **{**UNITS, "metrics": [Mean("m")], **said})


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"end": 1}, "has no argument 'end'; did you mean 'until'"),
        ({"from_": 1}, "did you mean 'start'"),
        ({"methd": "welch"}, "did you mean 'method'"),
        ({"metric": 1}, "the experiment declares its metrics"),
        ({"weights": {}}, "the experiment declares them as its variants"),
        ({"xyz": 1}, "it has experiment, exposures, actions"),
    ],
)
def test_an_unknown_argument_is_refused_with_the_one_that_is_meant(
    said: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ArgumentError, match=problem) as refused:
        Analysis(Design(name="p", control="a"), **EVENTS, **said)
    assert isinstance(refused.value, TypeError)


def test_a_table_of_units_says_what_goes_with_events() -> None:
    with pytest.raises(ArgumentError, match="a table of units has no exposures"):
        units(start="2026-11-02")
    with pytest.raises(
        ArgumentError, match=r"AnalysisPlan\(cuped=\{'revenue': 'revenue_before'\}\)"
    ):
        units(cuped=14)
    with pytest.raises(AnalysisError, match="cuped must name columns"):
        units(plan=AnalysisPlan(cuped=timedelta(days=14))).run()
    with pytest.raises(AnalysisError, match="window goes with stored events"):
        units(plan=AnalysisPlan(window=timedelta(days=14))).run()
    with pytest.raises(ArgumentError, match="they are the keys of sums"):
        SumsAnalysis("s", metrics=[], sums={}, units={}, control="a")  # type: ignore[call-arg]
    with pytest.raises(ArgumentError, match="did you mean 'metrics'"):
        Design(name="p", control="a", metric=Mean("m"))  # type: ignore[call-arg]


@pytest.mark.parametrize("experiment", ["Buttons", None, 7, object()])
def test_what_is_no_experiment_is_refused(experiment: Any) -> None:
    with pytest.raises(AnalysisError, match="The experiment must be its class"):
        analyze(experiment, **EVENTS)


@pytest.mark.parametrize(
    ("said", "when"),
    [
        ("2026-11-02", datetime(2026, 11, 2)),  # noqa: DTZ001 - as it is taken
        ("2026-11-02T09:30Z", datetime(2026, 11, 2, 9, 30, tzinfo=UTC)),
        (date(2026, 11, 2), date(2026, 11, 2)),
        (None, None),
    ],
)
def test_a_time_may_be_a_text(said: Any, when: date | None) -> None:
    assert moment(said) == when


@pytest.mark.parametrize("said", ["2.11.2026", "yesterday", 20261102, 1.5])
def test_what_is_no_time_is_refused(said: Any) -> None:
    with pytest.raises(AnalysisError, match="must be a date or a time, such as '2026-11-02'"):
        Analysis(Design(name="p", control="a", metrics=Mean("m")), **EVENTS).run(until=said)


def test_one_metric_alone_will_do() -> None:
    assert units(metrics=Mean("m")).metrics == (Mean("m"),)
    assert Design(name="p", control="a", metrics=Conversion("c")).metrics == (Conversion("c"),)


@pytest.mark.parametrize("metrics", ["m0", ["m0"], Mean, [Mean], {"m0": Mean("m0")}, None, 3])
def test_what_are_no_metrics_is_refused(metrics: Any) -> None:
    with pytest.raises(AnalysisError, match=r"metrics must be metrics, such as \[Mean\("):
        units(metrics=metrics)


@pytest.mark.parametrize(
    "weights", [[0.5, 0.5], 0.5, "a", {"a": "half"}, {"a": True}, {"a": -1}, {"a": 0, "b": 0}]
)
def test_weights_that_are_no_shares_by_variant_are_refused(weights: Any) -> None:
    for make in (units, lambda **w: Design(name="p", control="a", **w)):
        with pytest.raises(AnalysisError, match="weights must be the designed share"):
            make(weights=weights)


@pytest.mark.parametrize(("variant", "text"), [(1, "1"), (True, "true"), ("b", "b")])
def test_the_weight_of_a_variant_is_that_of_its_text(variant: object, text: str) -> None:
    assert units(weights={variant: 0.5}).weights == {text: 0.5}


def test_taus_need_the_names_of_metrics() -> None:
    with pytest.raises(AnalysisError, match="taus must be given by the name of a metric"):
        AnalysisPlan(taus=["m"])
