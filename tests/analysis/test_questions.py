"""What an analysis can be asked besides: parts of the units, a time frame, exclusions, assignments."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from abkit import AnalysisPlan
from abkit.analysis import BOTS, Analysis, Design, Exclusion, Moments, SumsAnalysis, UnitsAnalysis
from abkit.errors import AnalysisError, EmptyDataError
from abkit.experiments.declaring.metrics import Conversion, Formula, Mean, Ratio, Total

from .asked import analyze, analyze_sums
from .conftest import START

DAY = timedelta(days=1)


def exposed(
    variant: str, count: int, *, prefix: str = "", start: int = 0, **columns: Any
) -> list[dict[str, Any]]:
    return [
        {"unit_id": f"{prefix}{variant}{i}", "variant": variant, **columns}
        for i in range(start, start + count)
    ]


def clicked(variant: str, count: int, *, prefix: str = "", **columns: Any) -> list[dict[str, Any]]:
    return [
        {"user_id": f"{prefix}{variant}{i}", "action": "click", "hour": 1, **columns}
        for i in range(count)
    ]


@pytest.fixture
def everyone(tables: Any) -> Any:
    """400 units: 300 in Rome, of which the b convert better, and 100 without a city."""
    exposures = [
        row
        for variant in "ab"
        for row in [
            *exposed(variant, 150, prefix="r", properties='{"city": "Rome"}'),
            *exposed(variant, 50, prefix="n"),
        ]
    ]
    actions = [
        *clicked("a", 30, prefix="r"),
        *clicked("b", 75, prefix="r"),
        *clicked("a", 25, prefix="n"),
        *clicked("b", 25, prefix="n"),
    ]
    return tables(exposures, actions)


def test_segments_are_groups_of_a_property_at_the_first_exposure(
    everyone: Any, design: Design
) -> None:
    result = analyze(design, **everyone, segments=["city"])
    rome, nowhere = result.segments
    assert (rome.property, rome.value, nowhere.value) == ("city", "Rome", None)
    (found,) = rome.metrics
    assert (found.control.moments.n, found.control.conversions) == (150, 30)
    assert found.treatments[0].arm.conversions == 75
    assert nowhere.metrics[0].treatments[0].missing == (
        "50 more units in variant a",
        "50 more units in variant b",
    )


def test_the_segment_is_that_of_the_first_exposure(tables: Any, design: Design) -> None:
    exposures = [
        *exposed("a", 3, properties='{"city": "Rome"}', hour=0),
        *exposed("a", 3, properties='{"city": "Oslo"}', hour=5),
        *exposed("b", 3, properties='{"city": "Rome"}', hour=0),
    ]
    result = analyze(design, **tables(exposures), segments=("city",))
    assert [segment.value for segment in result.segments] == ["Rome"]


def test_no_more_than_the_ten_largest_segments_are_shown(tables: Any, design: Design) -> None:
    exposures = [
        row
        for city in range(12)
        for variant in "ab"
        for row in exposed(
            variant, city + 1, prefix=f"c{city}", properties=f'{{"city": "{city:02}"}}'
        )
    ]
    result = analyze(design, **tables(exposures), segments=["city"])
    assert [s.value for s in result.segments] == [f"{city:02}" for city in range(11, 1, -1)]


def test_one_text_is_no_list_of_segments(everyone: Any, design: Design) -> None:
    with pytest.raises(AnalysisError, match=r"such as \['city'\]"):
        analyze(design, **everyone, segments="city")


def test_excluded_units_are_left_out_and_counted_once(tables: Any, design: Design) -> None:
    exposures = [
        *exposed("a", 10),
        *exposed("b", 10),
        {"unit_id": "b0", "variant": "b", "hour": 3, "properties": '{"user_agent": "GoogleBot/2"}'},
        {"unit_id": "x", "variant": "b", "properties": '{"user_agent": "curl/8", "staff": "yes"}'},
    ]
    testers = Exclusion(name="testers", units=["a0", "b0", "nobody"])
    staff = Exclusion(name="staff", property="staff", values=["yes"])
    result = analyze(design, **tables(exposures), exclude=[testers, staff, BOTS])
    assert dict(result.exclusions) == {"testers": 2, "staff": 1, "bots": 0}
    assert [count.units for count in result.counts] == [9, 9]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "excludes nobody"),
        ({"units": "42"}, "must be a list"),
        ({"property": "staff"}, "goes with values or contains"),
        ({"values": ["yes"]}, "goes with values or contains"),
    ],
)
def test_an_exclusion_that_excludes_nobody_is_refused(
    arguments: dict[str, Any], problem: str
) -> None:
    with pytest.raises(AnalysisError, match=problem):
        Exclusion(name="x", **arguments)


def test_a_hostile_exclusion_is_only_text(tables: Any, design: Design) -> None:
    exposures = [*exposed("a", 3), *exposed("b", 3)]
    hostile = "') or 1=1 --"
    exclusion = Exclusion(
        name=hostile, units=[hostile], property='a"b', values=[hostile], contains=["100%_!'"]
    )
    result = analyze(design, **tables(exposures), exclude=[exclusion])
    assert dict(result.exclusions) == {hostile: 0}


def test_a_time_frame_takes_exposures_from_its_start_and_everything_before_its_end(
    tables: Any, design: Design
) -> None:
    exposures = [
        *exposed("a", 5, hour=0),
        *exposed("b", 5, hour=0),
        *exposed("a", 7, prefix="late", hour=24),
        *exposed("b", 7, prefix="late", hour=24),
        *exposed("b", 9, prefix="later", hour=72),
    ]
    actions = [{"user_id": "latea0", "action": "click", "hour": h} for h in (25, 71, 72, 80)]
    total = evolve(design, metrics=(Total("click"),))
    result = analyze(
        total, **tables(exposures, actions), start=START + DAY, until=(START + 3 * DAY).date()
    )
    assert [count.units for count in result.counts] == [7, 7]
    assert result.metrics[0].control.moments.mean == pytest.approx(2 / 7)
    assert result.frame == (START + DAY, START + 3 * DAY)
    assert result.cumulative is not None
    assert result.cumulative.complete  # its last day is over, though nobody came at its end
    with pytest.raises(EmptyDataError) as caught:
        analyze(design, **tables(exposures), start=date(2030, 1, 1), until=date(2030, 1, 8))
    days = f"{START:%Y-%m-%d} to {START + 3 * DAY:%Y-%m-%d} (4 days)"
    frame = "from 2030-01-01 until 2030-01-08 UTC"
    assert str(caught.value).endswith(f" has no exposure of 'Exp' {frame}: all are of {days}")


def test_a_window_ends_so_long_after_each_first_exposure(tables: Any, design: Design) -> None:
    exposures = [*exposed("a", 2), *exposed("b", 2, hour=100)]
    actions = [
        {"user_id": user, "action": "click", "hour": hour}
        for user, hour in [("a0", 23.9), ("a1", 24), ("b0", 123), ("b1", 125)]
    ]
    result = analyze(design, **tables(exposures, actions), window=DAY)
    (found,) = result.metrics
    assert (found.control.conversions, found.treatments[0].arm.conversions) == (1, 1)


def test_results_over_time_end_with_the_result(everyone: Any, design: Design) -> None:
    result = analyze(design, **everyone, over_time="hour")
    (found,) = result.metrics
    assert found.over_time is not None
    assert found.over_time.ends == (START + timedelta(hours=1), START + timedelta(hours=2))
    assert [moments.mean for moments in found.over_time.control] == [0.0, 55 / 200]
    last = found.over_time.treatments["b"].comparisons[-1]
    assert last is not None
    assert last.p_value == found.treatments[0].comparison.p_value  # type: ignore[union-attr]


def test_over_time_is_day_or_hour(everyone: Any, design: Design) -> None:
    with pytest.raises(AnalysisError, match="day, hour, or None, not 'week'"):
        analyze(design, **everyone, over_time="week")


def test_exposures_beside_assignments(tables: Any, design: Design) -> None:
    exposures = [*exposed("a", 4), *exposed("b", 2), *exposed("b", 1, prefix="x", hour=30)]
    assigned = [*exposed("a", 8), *exposed("b", 8)]
    data = tables(exposures)
    result = analyze(design, **data, assignments=tables(assigned)["exposures"])
    assert result.unassigned is not None
    assert dict(result.unassigned.assigned) == {"a": 8, "b": 8}
    assert dict(result.unassigned.exposed) == {"a": 4, "b": 2}
    assert dict(result.unassigned.without) == {date(2024, 3, 2): 1}


def test_a_unit_of_several_variants_without_an_assignment_counts_once(
    tables: Any, design: Design
) -> None:
    moved = [{"unit_id": "m", "variant": "a"}, {"unit_id": "m", "variant": "b", "hour": 30}]
    data = tables([*exposed("a", 2), *exposed("b", 2), *moved])
    assigned = tables([*exposed("a", 2), *exposed("b", 2)])["exposures"]
    result = analyze(design, **data, assignments=assigned, several="include")
    assert result.unassigned is not None
    assert dict(result.unassigned.without) == {date(2024, 3, 1): 1}


def test_cuped_takes_the_variance_that_the_past_explains(tables: Any, design: Design) -> None:
    exposures = [*exposed("a", 300, hour=48), *exposed("b", 300, hour=48)]
    past = {f"{v}{i}": i % 5 for v in "ab" for i in range(300)}
    before = [
        {"user_id": unit, "action": "click", "hour": 30}
        for unit, times in past.items()
        for _ in range(times)
    ]
    after = [
        {"user_id": unit, "action": "click", "hour": 50}
        for number, (unit, times) in enumerate(past.items())
        for _ in range(times + number % 2)
    ]
    total = evolve(design, metrics=(Total("click"),))
    data = tables(exposures, [*before, *after])
    (plain,) = analyze(total, **data).metrics
    (adjusted,) = analyze(total, **data, cuped=2 * DAY).metrics
    assert adjusted.adjustment is not None
    # Y = X + noise of variance 1/4, where X has variance 2: rho^2 = 2 / 2.25
    assert adjusted.adjustment.variance_reduction == pytest.approx(2 / 2.25, abs=0.01)
    assert adjusted.control.unadjusted == plain.control.moments
    assert adjusted.control.moments.variance == pytest.approx(0.25, abs=0.01)


def test_an_organization_experiment_counts_organizations(tables: Any, design: Design) -> None:
    org_plan = evolve(design, unit_type="org", metrics=(Total("click"),))
    exposures = [
        {"unit_id": org, "variant": variant, "unit_type": "org"}
        for org, variant in [("o1", "a"), ("o2", "a"), ("o3", "b")]
    ]
    actions = [
        {"user_id": f"u{i}", "action": "click", "hour": 1, "groups": {"org": org}}
        for i, org in enumerate(["o1", "o1", "o1", "o3", "elsewhere"])
    ]
    (found,) = analyze(org_plan, **tables(exposures, actions)).metrics
    assert (found.control.moments.n, found.control.moments.mean) == (2, 1.5)
    assert found.treatments[0].arm.moments.mean == 1.0


def test_a_hostile_action_property_or_unit_type_is_only_text(tables: Any, design: Design) -> None:
    hostile = """x'"; drop table exposures; --"""
    metrics = (Conversion(hostile), Ratio("r", numerator=Total(hostile), denominator=Total("c")))
    odd = evolve(design, name=hostile, unit_type=hostile, metrics=metrics)
    exposures = [
        {
            "experiment": hostile,
            "unit_type": hostile,
            "unit_id": f"{v}{i}",
            "variant": v,
            "properties": json.dumps({hostile: hostile}),
        }
        for v in "ab"
        for i in range(3)
    ]
    actions = [
        {"action": action, "hour": 1, "groups": {hostile: f"{v}0"}}
        for v in "ab"
        for action in (hostile, "c")
    ]
    conversion, ratio = analyze(odd, **tables(exposures, actions), segments=[hostile]).metrics
    assert conversion.control.conversions == 1
    assert ratio.control.moments.mean == 1.0


def test_times_in_any_zone_are_one_moment(tables: Any, design: Design) -> None:
    import pandas as pd

    data = tables([*exposed("a", 2), *exposed("b", 2)], clicked("a", 2))
    for zone in ("America/New_York", "Asia/Kolkata"):
        exposures = data["exposures"].to_pandas()
        exposures["time"] = exposures["time"].dt.tz_convert(zone)
        result = Analysis(design, exposures=exposures, actions=data["actions"]).run()
        assert result.metrics[0].control.conversions == 2
        assert result.cumulative is not None
        assert result.cumulative.ends[0] == datetime(2024, 3, 2, tzinfo=UTC)
    naive = data["exposures"].to_pandas()
    naive["time"] = pd.to_datetime(naive["time"]).dt.tz_localize(None)
    result = Analysis(design, exposures=naive, actions=data["actions"]).run()
    assert result.metrics[0].control.conversions == 2


def test_covariates_of_a_table_of_units() -> None:
    import pandas as pd

    units = pd.DataFrame(
        {
            "id": range(600),
            "arm": ["a", "b"] * 300,
            "spent": [float(i % 7 + i % 2) for i in range(600)],
            "before": [float(i % 7) for i in range(600)],
            "city": ["Rome", "Oslo", "Oslo"] * 200,
        }
    )
    analysis = UnitsAnalysis(
        units,
        unit="id",
        variant="arm",
        control="a",
        metrics=[Mean("spent"), Formula("per", expression=Mean("spent") / Mean("before"))],
        plan=AnalysisPlan(cuped={"spent": "before"}, segments=["city"]),
    )
    result = analysis.run()
    spent, per = result.metrics
    assert spent.adjustment is not None
    assert spent.adjustment.variance_reduction > 0.9
    assert per.control.moments.mean == pytest.approx(1.0, abs=0.1)
    assert {segment.value for segment in result.segments} == {"Rome", "Oslo"}
    with pytest.raises(AnalysisError, match="cuped names nothing; the metrics"):
        evolve(analysis, plan=AnalysisPlan(cuped={"nothing": "before"})).run()


def test_sums_made_elsewhere_give_the_same_comparison() -> None:
    bought, spent = Conversion("bought"), Mean("spent")
    result = analyze_sums(
        "Sums",
        units={"a": 1000, "b": 1010},
        sums={
            bought: {"a": 100, "b": 140},
            spent: {"a": Moments(1000, 5.0, 4.0), "b": Moments(1010, 5.5, 4.5)},
        },
        control="a",
        method="welch",
    )
    first, second = result.metrics
    assert (first.control.conversions, first.treatments[0].arm.conversions) == (100, 140)
    assert second.treatments[0].arm.moments.variance == pytest.approx(4.5, rel=1e-12)
    assert second.treatments[0].comparison is not None


@pytest.mark.parametrize("wrong", [1001, -1, True, Moments(1000, 1.0, 1.0)])
def test_sums_that_contradict_the_units_are_refused(wrong: Any) -> None:
    analysis = SumsAnalysis(
        "Sums",
        units={"a": 1000, "b": 1000},
        sums={Conversion("bought"): {"a": wrong, "b": 1}},
        control="a",
    )
    with pytest.raises(AnalysisError, match="needs 0 to 1,000 conversions"):
        analysis.run()


@pytest.mark.parametrize("over_time", ["day", None])
def test_before_the_first_action_nobody_did_anything(
    tables: Any, design: Design, over_time: str | None
) -> None:
    exposures = tables([*exposed("a", 3), *exposed("b", 2)])["exposures"]
    total = evolve(design, metrics=(Total("click"), Conversion("click twice", action="click")))
    result = analyze(total, exposures=exposures, actions=None, over_time=over_time)
    assert [found.control.moments.mean for found in result.metrics] == [0.0, 0.0]
    assert [count.units for count in result.counts] == [3, 2]
