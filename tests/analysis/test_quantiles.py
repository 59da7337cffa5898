"""Quantiles of what units did, against the same in plain Python."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from attrs import evolve

from abkit.analysis import Analysis, Design, Moments
from abkit.analysis.engines.local import DuckDB
from abkit.analysis.findings.metric_result import Arm
from abkit.analysis.observed_metrics import observe_metrics
from abkit.analysis.rehearsal.rehearse import rehearse
from abkit.errors import AnalysisError
from abkit.experiments.declaring.experiment import UserExperiment
from abkit.experiments.declaring.metrics import Funnel, Metric, Quantile, Sum, Total, Winsorize

from .aggregation.quantiled import quantile, standard_error
from .asked import analyze, analyze_sums, analyze_units
from .conftest import Tables

P95 = Quantile("p95", action="loaded", property="ms", q=0.95, direction="decrease")


class Log:
    """Loads of units of two variants, of very different number, with many equal times."""

    def __init__(self, seed: int, *, units: int = 400, step: float = 5.0) -> None:
        random = Random(seed)  # noqa: S311
        self.units: dict[str, str] = {}
        self.values: dict[str, list[float]] = {}
        self.countries: dict[str, str | None] = {}
        for number in range(units):
            unit = f"u{number}"
            self.units[unit] = "ab"[number % 2]
            self.countries[unit] = ["de", "fr", None][number % 3]
            slow = random.gauss(0, 0.5)
            loads = random.choice([0, 1, 2, 5, 30])
            self.values[unit] = [
                step * round(random.lognormvariate(5 + slow, 0.7) / step) for _ in range(loads)
            ]

    def exposures(self) -> list[dict[str, Any]]:
        properties = {
            unit: {} if country is None else {"country": country}
            for unit, country in self.countries.items()
        }
        return [
            {
                "unit_id": unit,
                "user_id": unit,
                "variant": variant,
                "properties": json.dumps(properties[unit]),
            }
            for unit, variant in self.units.items()
        ]

    def actions(self) -> list[dict[str, Any]]:
        return [
            {"user_id": unit, "action": "loaded", "hour": 1, "properties": f'{{"ms": {value!r}}}'}
            for unit, values in self.values.items()
            for value in values
        ]

    def of(self, variant: str, country: str | None = "any") -> dict[str, list[float]]:
        return {
            unit: self.values[unit]
            for unit, found in self.units.items()
            if found == variant and (country == "any" or self.countries[unit] == country)
        }


def arms_of(result: Any, name: str = "p95") -> dict[str, Arm]:
    (found,) = (metric for metric in result.metrics if metric.metric.name == name)
    return {arm.variant: arm for arm in [found.control, *(t.arm for t in found.treatments)]}


def of_metrics(design: Design, *metrics: Metric) -> Design:
    return evolve(design, metrics=metrics)


def _same(arm: Arm, by_unit: Mapping[str, Sequence[float]], q: float) -> None:
    every = [value for values in by_unit.values() for value in values]
    assert arm.problem == ""
    assert arm.moments.mean == pytest.approx(quantile(every, q), rel=1e-12)
    error = standard_error(by_unit, arm.moments.n, q)
    assert math.sqrt(arm.moments.variance / arm.moments.n) == pytest.approx(error, rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_it_is_what_plain_python_makes_of_the_same_events(
    design: Design, tables: Tables, seed: int, q: float
) -> None:
    log = Log(seed)
    result = analyze(of_metrics(design, evolve(P95, q=q)), **tables(log.exposures(), log.actions()))
    for variant, arm in arms_of(result).items():
        _same(arm, log.of(variant), q)
        assert arm.moments.n == 200


def test_per_unit_it_is_the_quantile_of_sums_in_which_idle_units_count_as_0(
    design: Design, tables: Tables
) -> None:
    log = Log(1)
    metric = evolve(P95, q=0.7, per="unit")
    result = analyze(of_metrics(design, metric), **tables(log.exposures(), log.actions()))
    for variant, arm in arms_of(result).items():
        _same(arm, {unit: [sum(values)] for unit, values in log.of(variant).items()}, 0.7)


def test_segments_have_their_own_quantiles_and_so_have_units_without_a_value(
    design: Design, tables: Tables
) -> None:
    log = Log(2, units=1200)
    result = analyze(
        of_metrics(design, P95, evolve(P95, name="median", q=0.5)),
        segments=["country"],
        **tables(log.exposures(), log.actions()),
    )
    assert {segment.value for segment in result.segments} == {"de", "fr", None}
    for segment in result.segments:
        for variant, arm in arms_of(segment).items():
            _same(arm, log.of(variant, segment.value), 0.95)
        for variant, arm in arms_of(segment, "median").items():
            _same(arm, log.of(variant, segment.value), 0.5)


def test_events_before_the_exposure_and_without_a_number_do_not_count(
    design: Design, tables: Tables
) -> None:
    log = Log(3)
    noise = [
        {"user_id": "u1", "action": "loaded", "hour": -1, "properties": '{"ms": 1e6}'},
        {"user_id": "u1", "action": "loaded", "hour": 1, "properties": "{}"},
        {"user_id": "u1", "action": "other", "hour": 1, "properties": '{"ms": 1e6}'},
        {"user_id": "nobody", "action": "loaded", "hour": 1, "properties": '{"ms": 1e6}'},
    ]
    for cuped in (None, timedelta(days=7)):
        result = analyze(
            of_metrics(design, P95, Total("loads", action="loaded")),
            cuped=cuped,
            **tables(log.exposures(), [*log.actions(), *noise * 50]),
        )
        for variant, arm in arms_of(result).items():
            _same(arm, log.of(variant), 0.95)
            assert arm.unadjusted is None
    (note,) = (w for w in result.warnings if "have no number" in w)
    assert "'p95' leaves them out." in note


def test_other_metrics_beside_it_change_nothing(design: Design, tables: Tables) -> None:
    log = Log(4)
    data = tables(log.exposures(), log.actions())
    alone = arms_of(analyze(of_metrics(design, P95), **data))
    beside = analyze(
        of_metrics(
            design,
            Sum("time", action="loaded", property="ms", winsorize=Winsorize(upper_percentile=99)),
            P95,
            Funnel("twice", steps=["loaded", "loaded"]),
        ),
        **data,
    )
    assert arms_of(beside) == alone


def test_without_looks_over_time_it_is_the_same(design: Design, tables: Tables) -> None:
    log = Log(5)
    data = tables(log.exposures(), log.actions())
    with DuckDB(threads=1) as one, DuckDB(threads=1) as other:  # Several add up in any order.
        plain = analyze(of_metrics(design, P95), engine=one, **data)
        by_day = analyze(of_metrics(design, P95), engine=other, over_time="day", **data)
    assert arms_of(plain) == arms_of(by_day)
    assert by_day.metrics[0].over_time is None


def test_a_change_is_found_sequentially_by_one_look_and_in_chances(
    design: Design, tables: Tables
) -> None:
    log = Log(6, units=2000)
    for unit, values in log.values.items():
        if log.units[unit] == "b":
            log.values[unit] = [value * 1.5 for value in values]
    data = tables(log.exposures(), log.actions())
    for method in ("sequential", "welch", "bayesian"):
        found = analyze(of_metrics(design, evolve(P95, goal=0.1)), method=method, **data)
        comparison = found.metrics[0]["b"].comparison
        assert comparison is not None
        assert comparison.significant
        assert comparison.lift == pytest.approx(0.5, abs=0.2)


def test_of_few_values_it_waits_for_more(design: Design, tables: Tables) -> None:
    log = Log(7)
    few = log.actions()[:90]
    arms = arms_of(analyze(of_metrics(design, P95), **tables(log.exposures(), few)))
    for variant, arm in arms.items():
        events = sum(log.units[each["user_id"]] == variant for each in few)
        assert arm.problem == f"{100 - events} more values for a quantile in variant {variant}"


def test_one_unit_with_most_of_the_values_is_not_compared(design: Design, tables: Tables) -> None:
    log = Log(8)
    log.values["u0"] = [5000.0 + place for place in range(20_000)]
    arms = arms_of(analyze(of_metrics(design, P95), **tables(log.exposures(), log.actions())))
    assert (
        arms["a"].problem == "more units that make up the values (1 of 25 in effect) in variant a"
    )
    assert arms["b"].problem == ""


def test_where_most_values_are_equal_it_says_so(design: Design, tables: Tables) -> None:
    log = Log(9)
    for unit, values in log.values.items():
        log.values[unit] = [0.0 if place % 3 else value for place, value in enumerate(values)]
    median = evolve(P95, q=0.5)
    arms = arms_of(analyze(of_metrics(design, median), **tables(log.exposures(), log.actions())))
    assert arms["a"].problem.startswith("another q, as 6")
    assert arms["a"].problem.endswith("% of all values are 0 and so is the quantile in variant a")
    assert arms["a"].moments.mean == 0


def test_beyond_the_quantile_there_must_be_some_values(design: Design, tables: Tables) -> None:
    log = Log(10)
    extreme = evolve(P95, q=0.9999)
    arms = arms_of(analyze(of_metrics(design, extreme), **tables(log.exposures(), log.actions())))
    assert arms["a"].problem == "more values beyond the quantile in variant a"


def test_values_that_are_not_finite_are_refused(design: Design, tables: Tables) -> None:
    log = Log(11)
    data = tables(log.exposures(), log.actions())
    values = [value for values in log.values.values() for value in values]
    actions = data["actions"].drop_columns(["properties"])
    for wrong in (math.inf, -math.inf):
        data["actions"] = actions.append_column("ms", pa.array([*values[:-1], wrong]))
        with pytest.raises(AnalysisError, match="p95 has values that are not finite"):
            analyze(of_metrics(design, P95), **data)


def test_nobody_did_it_is_said(design: Design, tables: Tables) -> None:
    log = Log(12)
    result = analyze(of_metrics(design, P95), **tables(log.exposures(), log.actions()[:0]))
    assert any(
        "No action is called" in note or "No unit has any" in note for note in result.warnings
    )
    nobody = analyze(of_metrics(design, P95), **{**tables(log.exposures()), "actions": None})
    assert arms_of(nobody)["a"].problem == "100 more values for a quantile in variant a"


def test_planned_looks_are_refused(design: Design, tables: Tables) -> None:
    log = Log(13)
    with pytest.raises(AnalysisError, match="p95: a Quantile is not read over time"):
        analyze(
            of_metrics(design, P95),
            method="group-sequential",
            sample_size=400,
            **tables(log.exposures(), log.actions()),
        )


def test_as_of_a_day_it_must_be_read_again(design: Design, tables: Tables) -> None:
    log = Log(14)
    sums = Analysis(
        of_metrics(design, P95, Total("loads", action="loaded")),
        **tables(log.exposures(), log.actions()),
    ).gather()
    then = sums.result(until="2024-03-02")
    assert arms_of(then)["a"].problem.startswith("a quantile of all these units together")
    assert any("'p95': not kept by day" in note for note in then.warnings)
    assert arms_of(then, "loads")["a"].problem == ""
    assert arms_of(sums.result(control="b"))["a"].problem == ""


def test_a_table_of_units_and_sums_made_elsewhere_have_none() -> None:
    with pytest.raises(
        AnalysisError, match="'p95' is a Quantile, which needs exposures and actions"
    ):
        analyze_units(pa.table({"v": ["a", "b"]}), variant="v", control="a", metrics=[P95])
    moments = {"a": Moments(100, 1.0, 1.0), "b": Moments(100, 1.0, 1.0)}
    with pytest.raises(AnalysisError, match=r"give one that was found elsewhere as Mean\('p95'\)"):
        analyze_sums("Exp", sums={P95: moments}, units={"a": 100, "b": 100}, control="a")


def test_it_has_a_baseline_of_which_a_size_follows(tables: Tables) -> None:
    log = Log(15)
    rare = evolve(P95, name="rare", action="other")
    actions = tables([], [*log.actions(), {"user_id": "u1", "action": "other", "hour": 1}])[
        "actions"
    ]
    (found, none) = observe_metrics([P95, rare], unit_type="user", actions=actions)
    assert found.baseline is not None
    assert found.baseline.mean > 100
    assert found.baseline.variance > 0
    assert none.problem == "is not known: needs 100 more values for a quantile"


def test_a_rehearsal_leaves_it_out_and_says_so(tables: Tables) -> None:
    class Slow(UserExperiment):
        variants = {"a": 0.5, "b": 0.5}
        metrics = [Total("loads", action="loaded"), P95]

    class Deciding(UserExperiment):
        variants = {"a": 0.5, "b": 0.5}
        metrics = [P95]

    log = Log(16)
    actions = tables([], log.actions())["actions"]
    found = rehearse(Slow, actions=actions, splits=20)
    assert [of.metric.name for of in found.metrics] == ["loads"]
    assert any(note.startswith("'p95': left out here") for note in found.notes)
    with pytest.raises(AnalysisError, match="'p95' decides and is a Quantile"):
        rehearse(Deciding, actions=actions, splits=20)


def test_over_phases_it_is_not_compared_and_says_so(design: Design, tables: Tables) -> None:
    log = Log(17)
    exposures = [
        {**row, "weights": '{"a":0.5,"b":0.5}' if place % 4 < 2 else '{"a":0.6,"b":0.4}'}
        for place, row in enumerate(log.exposures())
    ]
    result = analyze(of_metrics(design, P95), **tables(exposures, log.actions()))
    assert len(result.phases) == 2
    assert arms_of(result)["a"].problem.startswith("a quantile of all these units together")
    assert any("'p95': not compared, as the weights changed" in note for note in result.warnings)


@pytest.mark.parametrize(("per", "step"), [("event", None), ("unit", "day"), ("event", "day")])
def test_units_whose_window_is_not_over_wait_as_if_they_were_not_in_the_data(
    design: Design, tables: Tables, per: str, step: str | None
) -> None:
    log = Log(4, units=1000)
    late = {unit for number, unit in enumerate(log.units) if number % 5 < 2}
    waiting = evolve(P95, q=0.8, per=per, window=timedelta(hours=31, minutes=1), mature_only=True)
    every = [{**row, "hour": 30 if row["unit_id"] in late else 0} for row in log.exposures()]
    early = [row for row in every if row["unit_id"] not in late]
    actions = [{**row, "hour": 31} for row in log.actions()]  # within the windows of all
    actions.append({"user_id": "nobody", "action": "loaded", "hour": 31.5})
    asked: dict[str, Any] = {"segments": ["country"], "over_time": step}
    found = analyze(of_metrics(design, waiting), **tables(every, actions), **asked)
    everybody = of_metrics(design, evolve(waiting, mature_only=False))
    expected = analyze(everybody, **tables(early, actions), **asked)
    for own, same in zip([found, *found.segments], [expected, *expected.segments], strict=True):
        for variant, arm in arms_of(own).items():
            other = arms_of(same)[variant].moments
            assert (arm.moments.n, arm.moments.mean) == (other.n, other.mean)
            assert arm.moments.variance == pytest.approx(other.variance, rel=1e-12)
    assert [(arm.moments.n, arm.immature) for arm in arms_of(found).values()] == [(300, 200)] * 2
