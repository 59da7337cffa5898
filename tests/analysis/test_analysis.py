"""Stored events in, a result out; and everything that must be refused on the way."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from abkit import Conversion, OrgExperiment, Total
from abkit.analysis.analysis import Analysis
from abkit.analysis.declared.design import Design
from abkit.analysis.findings.before import BeforeState
from abkit.errors import (
    AnalysisError,
    EmptyDataError,
    MissingColumnError,
    TooFewVariantsError,
)
from abkit.experiments.declaring.metrics import Mean, Metric, Ratio, Sum

from .asked import analyze

Rows = list[dict[str, Any]]


def events(arms: dict[str, tuple[int, int]]) -> tuple[Rows, Rows]:
    """Units and conversions by variant; every unit is exposed twice."""
    exposures: Rows = []
    actions: Rows = []
    for variant, (units, conversions) in arms.items():
        for number in range(units):
            unit = f"{variant}{number}"
            exposures += [{"unit_id": unit, "variant": variant, "hour": h} for h in (0, 30)]
            if number < conversions:
                actions.append({"action": "click", "user_id": unit, "hour": 1})
    return exposures, actions


@pytest.fixture
def run(tables: Any, design: Design) -> Callable[..., Any]:
    def of_arms(arms: dict[str, tuple[int, int]], *, of: Design = design, **options: Any) -> Any:
        return analyze(of, **tables(*events(arms)), **options)

    return of_arms


def test_a_result_counts_compares_and_recommends(run: Any) -> None:
    result = run({"a": (2000, 400), "b": (2000, 600)}, min_days=0)
    (found,) = result.metrics
    (treatment,) = found.treatments
    assert (found.control.variant, found.control.conversions) == ("a", 400)
    assert (treatment.arm.variant, treatment.arm.conversions) == ("b", 600)
    assert treatment.comparison.method == "sequential"
    assert treatment.comparison.lift == pytest.approx(0.5)
    error = sqrt((0.2 * 0.8 + 0.3 * 0.7) / 2000)
    assert [*result.taus["click"].items()] == [
        (pytest.approx(0.2 * 0.2), 0.6),
        (pytest.approx(error), pytest.approx(0.4)),
    ]
    assert result.recommendation.action == "roll out"
    assert [(c.rows, c.exposed, c.excluded, c.units) for c in result.counts] == [
        (4000, 2000, 0, 2000),
        (4000, 2000, 0, 2000),
    ]
    assert not result.sample_ratio.alarm
    assert result.cumulative.ends[0] == datetime(2024, 3, 2, tzinfo=UTC)
    assert result.cumulative.units["a"][0] == result.cumulative.units["b"][0] == 2000
    assert {"seen", "units", "done", "states", "sums per variant over time"} <= set(result.queries)


@pytest.mark.parametrize(
    ("treatment", "missing"),
    [
        ((100, 25), ()),
        ((99, 25), ("1 more unit in variant b",)),
        ((100, 13), ("12 more conversions in variant b",)),
    ],
)
def test_below_the_gates_there_is_no_p_value_and_no_interval(
    run: Any, treatment: tuple[int, int], missing: tuple[str, ...]
) -> None:
    (found,) = run({"a": (100, 30), "b": treatment}).metrics
    assert found.treatments[0].missing == missing
    assert (found.treatments[0].comparison is None) == bool(missing)


def test_welch_and_the_confidence_are_chosen_by_the_analyst(run: Any) -> None:
    result = run({"a": (1000, 100), "b": (1000, 130)}, method="welch", confidence=0.9)
    compared = result.metrics[0].treatments[0].comparison
    assert (compared.method, compared.alpha) == ("welch", pytest.approx(0.1))


def test_a_variant_that_starts_after_the_first_look_is_compared(
    tables: Any, design: Design
) -> None:
    exposures: Rows = [
        {"unit_id": f"{variant}{number}", "variant": variant, "hour": hour}
        for variant, hour in (("a", 0), ("b", 0), ("a", 200), ("b", 200), ("c", 200))
        for number in range(hour, hour + 150)
    ]
    actions = [
        {"action": "click", "user_id": row["unit_id"], "hour": row["hour"]}
        for row in exposures
        if int(str(row["unit_id"])[1:]) % 4 == 0
    ]
    (found,) = analyze(evolve(design, weights={}), **tables(exposures, actions)).metrics
    assert found["b"].comparison is not None
    assert found["c"].comparison is not None


def test_a_frozen_tau_is_used(run: Any) -> None:
    result = run({"a": (1000, 100), "b": (1000, 130)}, taus={"click": 0.03})
    assert result.metrics[0].treatments[0].comparison.details["tau"] == 0.03


def test_the_control_can_be_another_variant(run: Any) -> None:
    result = run({"a": (200, 50), "b": (200, 60)}, control="b")
    assert result.metrics[0].control.variant == "b"
    assert result.metrics[0].treatments[0].arm.variant == "a"


def test_several_treatments_share_the_accepted_probability_of_a_false_alarm(
    run: Any, design: Design
) -> None:
    """Bonferroni: two treatments, and for secondary metrics all of their comparisons."""
    metrics: tuple[Metric, ...] = (
        Conversion("click"),
        Conversion("s1", action="click", role="secondary"),
        Conversion("s2", action="click", role="secondary"),
    )
    three = evolve(design, weights={"a": 1.0, "b": 1.0, "c": 1.0}, metrics=metrics)
    result = run({"a": (200, 50), "b": (200, 60), "c": (200, 60)}, of=three)
    alphas = [[t.comparison.alpha for t in found.treatments] for found in result.metrics]
    assert alphas == [[0.025] * 2, [0.0125] * 2, [0.0125] * 2]


def test_a_declared_variant_without_units_is_shown_and_waited_for(run: Any, design: Design) -> None:
    wide = evolve(design, weights={"a": 1.0, "b": 1.0, "c": 1.0})
    result = run({"a": (600, 50), "b": (600, 60)}, of=wide)
    assert result.metrics[0].treatments[1].missing == (
        "100 more units in variant c",
        "25 more conversions in variant c",
    )
    assert result.sample_ratio.alarm
    assert result.recommendation.action == "investigate"


@pytest.mark.parametrize("over_time", ["day", None])
def test_actions_that_come_late_change_no_result_once_they_are_there(
    tables: Any, design: Design, over_time: str | None
) -> None:
    """60,000 users over 20 days buy within a quarter of an hour, or up to 14 days later."""
    units, bought = 30_000, {"a": 1_500, "b": 1_701}
    exposures = [
        {"unit_id": f"{variant}{i}", "variant": variant, "hour": i % 480}
        for variant in bought
        for i in range(units)
    ]
    p_values = []
    for late in (0.25, 336):
        actions = [
            {
                "action": "click",
                "user_id": f"{variant}{i * 17}",
                "hour": i * 17 % 480 + late * (i * 7 % 100) / 100,
            }
            for variant, buyers in bought.items()
            for i in range(buyers)
        ]
        (found,) = analyze(
            evolve(design, metrics=(Conversion("click", goal=0.05),)),
            **tables(exposures, actions),
            over_time=over_time,
        ).metrics
        assert found.treatments[0].comparison is not None
        p_values.append(found.treatments[0].comparison.p_value)
    assert p_values[0] == p_values[1]
    assert p_values[0] == pytest.approx(0.0130, abs=1e-4)


def test_a_variant_that_is_not_declared_is_compared_but_has_no_designed_share(run: Any) -> None:
    result = run({"a": (200, 50), "b": (200, 60), "old": (300, 75)})
    assert result.sample_ratio.counts == {"a": 200, "b": 200}
    assert any("not declared: old" in warning for warning in result.warnings)


def test_weights_of_the_declaration_decide_about_a_mismatch(run: Any, design: Design) -> None:
    arms = {"a": (1800, 100), "b": (200, 60)}
    assert run(arms).sample_ratio.alarm
    assert not run(arms, of=evolve(design, weights={"a": 0.9, "b": 0.1})).sample_ratio.alarm


def test_units_in_several_variants_are_reported(tables: Any, design: Design) -> None:
    exposures, actions = events({"a": (150, 50), "b": (150, 60)})
    exposures += [{"unit_id": f"a{i}", "variant": "b", "hour": 40} for i in range(10)]
    data = tables(exposures, actions)
    result = analyze(design, **data)
    assert [(c.exposed, c.excluded, c.units) for c in result.counts] == [
        (150, 10, 140),
        (160, 10, 150),
    ]
    told = "10 of 300 units (3.3%) were exposed to several variants"
    assert any(told in warning for warning in result.warnings)
    assert (result.in_several, result.units) == (10, 290)
    first = analyze(design, **data, several="first")
    assert [(c.excluded, c.units) for c in first.counts] == [(0, 150), (10, 150)]
    both = analyze(design, **data, several="include")
    assert [(c.excluded, c.units) for c in both.counts] == [(0, 150), (0, 160)]
    assert (first.units, both.units) == (300, 300)


@pytest.mark.parametrize(("jumpers", "share"), [(8, "0.8%"), (500, "50.0%"), (4, "")])
def test_a_unit_in_several_variants_is_counted_once(
    tables: Any, design: Design, jumpers: int, share: str
) -> None:
    exposures, actions = events({"a": (500, 50), "b": (500, 60)})
    exposures += [{"unit_id": f"a{i}", "variant": "b", "hour": 40} for i in range(jumpers)]
    result = analyze(design, **tables(exposures, actions), several="first")
    told = [warning for warning in result.warnings if "several variants" in warning]
    assert result.in_several == jumpers
    assert bool(told) is bool(share)
    assert all(f"{jumpers} of 1,000 units ({share})" in warning for warning in told)


def test_a_unit_in_three_variants_is_counted_once(tables: Any, design: Design) -> None:
    exposures, actions = events({"a": (150, 50), "b": (150, 60)})
    exposures += [
        {"unit_id": f"a{i}", "variant": variant, "hour": 40} for i in range(9) for variant in "bc"
    ]
    result = analyze(design, **tables(exposures, actions), several="include")
    assert (result.in_several, result.units) == (9, 300)
    assert any("9 of 300 units (3.0%)" in warning for warning in result.warnings)


def test_exposures_without_a_variant_are_left_out_and_told(tables: Any, design: Design) -> None:
    exposures, actions = events({"a": (150, 50), "b": (150, 60)})
    exposures += [{"unit_id": "x", "variant": None}] * 3
    result = analyze(design, **tables(exposures, actions))
    assert result.incomplete == 3
    assert any(warning.startswith("3 exposures have no unit") for warning in result.warnings)


def test_an_action_that_nobody_did_is_pointed_at(run: Any) -> None:
    result = run({"a": (150, 0), "b": (150, 0)})
    assert any("No unit has any 'click'" in warning for warning in result.warnings)
    assert result.recommendation.action == "continue"


def test_an_experiment_class_is_its_own_plan(tables: Any) -> None:
    class TwoTones(OrgExperiment):
        hypothesis = "Blue sells."
        variants = {False: 0.5, True: 0.5}
        metrics = [Conversion("click")]

    exposures = [
        {
            "experiment": "TwoTones",
            "salt": "TwoTones",
            "unit_type": "org",
            "unit_id": str(i),
            "variant": "true" if i % 2 else "false",
        }
        for i in range(400)
    ]
    actions = [{"action": "click", "groups": {"org": str(i)}, "hour": 1} for i in range(0, 400, 3)]
    result = analyze(TwoTones, **tables(exposures, actions))
    assert result.design.control == "false"
    assert result.design.hypothesis == "Blue sells."
    assert result.metrics[0].treatments[0].comparison is not None


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"name": "Exq"}, EmptyDataError, "no exposure of 'Exq'; it has those of Exp"),
        ({"salt": "new"}, EmptyDataError, "none with salt 'new' .*; it has salt 's'"),
        ({"unit_type": "org"}, EmptyDataError, "unit type 'org'"),
        ({"control": "z"}, TooFewVariantsError, "no units in the control 'z'"),
        ({"metrics": ()}, AnalysisError, "declares no metrics"),
        ({"metrics": (Conversion("m"), Total("m"))}, AnalysisError, "several metrics of one name"),
        ({"metrics": (Mean("m"),)}, AnalysisError, "one row per unit"),
    ],
)
def test_a_plan_that_does_not_fit_the_data_is_refused(
    run: Any, design: Design, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run({"a": (5, 1), "b": (5, 1)}, of=evolve(design, **change))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "guess"}, "one of sequential, welch"),
        ({"confidence": 1.0}, "below 1"),
        ({"confidence": 95}, "0.95 for 95%"),
        ({"several": "drop"}, "one of exclude, first, include"),
        ({"taus": {"klick": 1}}, "taus names klick; the metrics are click"),
        (
            {"method": "group-sequential", "sample_size": 9, "over_time": None},
            "finds its looks in the results over time: leave over_time='day'",
        ),
    ],
)
def test_options_that_mean_nothing_are_refused(
    run: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(AnalysisError, match=message):
        run({"a": (5, 1), "b": (5, 1)}, **options)


def test_a_group_sequential_test_asked_every_six_hours_decides_at_its_looks(
    tables: Any, design: Design
) -> None:
    """250 units an hour for four days; looks at 10,000 and 20,000: on the second day and the fourth."""
    exposures: Rows = []
    actions: Rows = []
    for i in range(24_000):
        unit, variant, hour = str(i), "ab"[i % 2], i // 250
        exposures.append({"unit_id": unit, "variant": variant, "hour": hour})
        if i % 20 < (4 if variant == "b" and hour >= 50 else 2):
            actions.append({"action": "click", "user_id": unit, "hour": hour})
    made = tables(exposures, actions)
    asked: dict[str, Any] = {"method": "group-sequential", "sample_size": 20_000, "looks": 2}
    found: dict[int, Any] = {}
    for hours in range(6, 97, 6):
        until = datetime(2024, 3, 1, tzinfo=UTC) + timedelta(hours=hours)
        result = analyze(design, **made, **asked, until=until)
        (treatment,) = result.deciding.treatments
        found[hours] = treatment.comparison
        if treatment.comparison is None:
            assert result.recommendation.action == "continue"
            assert "planned look" in treatment.missing[0]
    assert [hours for hours, look in found.items() if look is None] == list(range(6, 48, 6))
    assert all(found[hours] == found[48] for hours in range(48, 96, 6))
    assert [found[hours].details["look"] for hours in (48, 96)] == [1, 2]
    assert [found[hours].significant for hours in (48, 96)] == [False, True]


def test_what_is_said_of_a_planned_look(tables: Any, design: Design) -> None:
    exposures, actions = events({"a": (600, 120), "b": (600, 168)})
    made = tables([{**row, "properties": '{"plan": "pro"}'} for row in exposures], actions)
    asked: dict[str, Any] = {"method": "group-sequential", "sample_size": 1_500, "looks": 3}
    result = analyze(design, **made, **asked, segments=["plan"])
    text = " ".join(result.to_text().split())
    assert "b is significantly better than the control in click, at look 2 of 3." in text
    assert (
        "Compared at look 2 of 3, at 1,200 units at the end of 2024-03-01; the means are those of "
        "all units so far."
    ) in text
    assert "Segments are counted but not compared" in text
    later = analyze(design, **made, **{**asked, "sample_size": 6_000, "looks": 6})
    waiting = " ".join(later.to_text().split())
    assert "Compared at look 1 of 6" in waiting
    assert "The next is at 2,000 units, about 2024-03-02." in waiting
    assert result.segments[0].metrics[0].treatments[0].comparison is None


def test_one_variant_is_nothing_to_compare(run: Any) -> None:
    with pytest.raises(TooFewVariantsError, match="only"):
        run({"a": (200, 50)})


def test_a_thousand_variants_are_taken_for_a_mistake(tables: Any, design: Design) -> None:
    exposures = [{"unit_id": str(i), "variant": str(i)} for i in range(1000)]
    with pytest.raises(AnalysisError, match="more than 50 different variants"):
        analyze(design, **tables(exposures))


def test_no_exposure_at_all_is_empty_data(tables: Any, design: Design) -> None:
    with pytest.raises(EmptyDataError, match="no rows"):
        analyze(design, **tables([]))


def test_actions_need_the_column_of_the_unit(tables: Any, design: Design) -> None:
    data = tables(*events({"a": (5, 1), "b": (5, 1)}))
    actions = data["actions"].drop_columns(["user_id"])
    with pytest.raises(MissingColumnError, match="user_id"):
        Analysis(design, exposures=data["exposures"], actions=actions).run()


def test_values_too_large_to_sum_up_are_refused(tables: Any, design: Design) -> None:
    exposures = [{"unit_id": f"{v}{i}", "variant": v} for v in "ab" for i in range(3)]
    huge = {"action": "pay", "hour": 1, "properties": '{"price": 1e308}'}
    actions = [{"user_id": f"a{i}", **huge} for i in range(3)]
    with pytest.raises(AnalysisError, match="too large to sum up"):
        analyze(
            evolve(design, metrics=(Sum("pay", property="price"),)), **tables(exposures, actions)
        )


def test_a_low_confidence_is_warned_of(run: Any) -> None:
    result = run({"a": (200, 50), "b": (200, 60)}, confidence=0.7)
    assert any("expect a false alarm in 30%" in warning for warning in result.warnings)


def test_the_result_goes_through_json_and_back(run: Any) -> None:
    """Strict JSON: no NaN, no infinity; and the inputs of every number are there."""
    found = run({"a": (1000, 100), "b": (1000, 130), "c": (50, 3)}).to_dict()
    again = json.loads(json.dumps(found, allow_nan=False))
    assert again == found
    metric = again["metrics"][0]
    assert metric["control"]["conversions"] == 100
    assert metric["treatments"][0]["comparison"]["interval"]["low"] is not None
    assert metric["treatments"][1]["comparison"] is None
    assert again["exposures"]["cumulative"]["units"]["a"] == [1000, 1000]


def test_files_that_the_file_sink_writes_can_be_read(tmp_path: Path, design: Design) -> None:
    """What is delivered is what is analyzed: one schema."""
    from abkit.events import Action, Exposure
    from abkit.sinks.files import FileSink

    for format_ in ("parquet", "jsonl"):
        where = tmp_path / format_
        sink = FileSink(where, format=format_)
        sink.send(
            [
                Exposure(
                    experiment="Exp",
                    salt="s",
                    unit_type="user",
                    unit_id=str(i),
                    variant="ab"[i % 2],
                    time=1.7e9 + i,
                    insert_id=f"e{i}",
                )
                for i in range(300)
            ]
        )
        sink.send(
            [
                Action(
                    name="click",
                    time=1.7e9 + 1000,
                    user_id=str(i),
                    groups={"org": "1"},
                    properties={"price": 2.5},
                    insert_id=f"a{i}",
                )
                for i in range(0, 300, 3)
            ]
        )
        from abkit.experiments.declaring.metrics import Sum

        metrics = (Conversion("click"), Sum("s", action="click", property="price"))
        result = Analysis(
            evolve(design, metrics=metrics),
            exposures=where / "exposures",
            actions=where / "actions",
        ).run()
        assert [found.control.moments.n for found in result.metrics] == [150, 150]
        assert result.metrics[0].control.conversions == 50
        assert result.metrics[1].control.moments.mean == pytest.approx(2.5 / 3)


def test_a_metric_of_units_is_refused_before_anything_is_read(design: Design) -> None:
    of_units = evolve(design, metrics=(Mean("m"),))
    with pytest.raises(AnalysisError, match="one row per unit"):
        Analysis(of_units, exposures="no_such_file.parquet", actions="neither.parquet").run()


def test_a_ratio_without_a_divisor_in_one_arm_stops_no_check_of_the_time_before(
    tables: Any, design: Design
) -> None:
    ratio = Ratio("per click", numerator=Sum("buy", property="price"), denominator=Total("click"))
    exposures = [
        {"unit_id": f"u{i}", "variant": "ab"[i % 2], "hour": 48 + i % 9} for i in range(200)
    ]
    before = [{"action": "click", "user_id": f"u{i}", "hour": 40} for i in range(200)]
    after = [{"action": "click", "user_id": f"u{i}", "hour": 70} for i in range(0, 200, 2)]
    result = analyze(
        evolve(design, metrics=(ratio,)),
        **tables(exposures, before + after),
        cuped=timedelta(days=2),
    )
    assert {each.state for each in result.before} == {BeforeState.UNKNOWN}
