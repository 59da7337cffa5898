"""Exposures that carry their weights: sample ratios, and comparisons within phases."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from abkit import Conversion, ExperimentManager, OrgExperiment, Params, WeightedChoice
from abkit.analysis import Analysis, Design, Result
from abkit.experiments.declaring.metrics import Metric, Ratio, Sum, Total
from abkit.exposure.logger import ExposureLogger
from abkit.sinks.files import FileSink

from .asked import analyze
from .conftest import START, Tables

EARLY, LATE = '{"a":0.9,"b":0.1}', '{"a":0.5,"b":0.5}'


def exposed(unit: str, variant: str, hour: float, weights: str | None) -> dict[str, Any]:
    return {"unit_id": unit, "variant": variant, "hour": hour, "weights": weights}


def clicked(unit: str, hour: float, price: float = 1.0) -> dict[str, Any]:
    properties = f'{{"price": {price}}}'
    return {"action": "click", "user_id": unit, "hour": hour, "properties": properties}


def ramp(
    sizes: Sequence[tuple[int, int]],
    rates: Sequence[tuple[float, float]],
    weights: Sequence[str | None],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A day for each phase: units of a and b, and the share of each that clicks."""
    exposures, actions = [], []
    for day, (of_day, share, text) in enumerate(zip(sizes, rates, weights, strict=True)):
        for variant, units, rate in zip("ab", of_day, share, strict=True):
            for number in range(units):
                unit = f"{day}{variant}{number}"
                exposures.append(exposed(unit, variant, 24 * day + number / units, text))
                if number < round(rate * units):
                    actions.append(clicked(unit, 24 * day + 2, price=number % 7))
    return exposures, actions


SIMPSON = ramp(
    [(9_000, 1_000), (1_000, 9_000)], [(0.29, 0.33), (0.05, 0.06)], [EARLY, '{"a":1,"b":9}']
)


def metrics(*more: Metric, method_goal: float = 0.2) -> tuple[Metric, ...]:
    return (Conversion("click", goal=method_goal), *more)


def analyzed(tables: Tables, rows: Any, *more: Metric, **options: Any) -> Result:
    design = Design(name="Exp", salt="s", control="a", metrics=metrics(*more))
    return analyze(design, **tables(*rows), **options)


def test_a_change_over_time_is_not_taken_for_the_variants_difference(tables: Tables) -> None:
    """Within each of two days b is better, by 13.8% and by 20%; of all units together it is worse."""
    result = analyzed(tables, SIMPSON)
    comparison = result["click"]["b"].comparison
    assert comparison is not None
    counts = {arm.variant: arm for arm in (result["click"].control, result["click"]["b"].arm)}
    pooled = (counts["b"].conversions or 0) / (counts["a"].conversions or 1) - 1
    assert pooled == pytest.approx(-0.67, abs=0.03)
    assert comparison.lift is not None
    assert 0.138 < comparison.lift < 0.2
    assert not result.sample_ratio.alarm


def test_the_phases_are_told_with_their_days_weights_and_units(tables: Tables) -> None:
    result = analyzed(tables, SIMPSON)
    first, second = result.phases
    assert dict(first.weights) == {"a": 0.9, "b": 0.1}
    assert dict(second.units) == {"a": 1_000, "b": 9_000}
    assert (first.first, second.first) == (START, START + timedelta(days=1))
    assert first.compared == second.compared == ("b",)
    assert [count.units for count in result.counts] == [10_000, 10_000]
    text = result.to_text()
    assert "Compared within 2 phases" in text
    assert "from 2024-03-02: 10.0% : 90.0%; 1,000 : 9,000 units" in text
    told = result.to_dict()["phases"]
    assert isinstance(told, list)
    assert told[0]["weights"] == {"a": 0.9, "b": 0.1}
    assert told[1]["units"] == {"a": 1_000, "b": 9_000}


def test_the_report_tells_the_phases(tables: Tables, tmp_path: Path) -> None:
    html = analyzed(tables, SIMPSON).to_html(tmp_path / "report.html").read_text()
    assert "<h2>Phases</h2>" in html
    assert "Compared within 2 phases" in html


def test_means_and_variances_are_those_of_the_phases_weighed_by_all_units(tables: Tables) -> None:
    result = analyzed(tables, SIMPSON)
    arm = result["click"]["b"].arm
    assert arm.moments.n == 10_000
    assert arm.moments.mean == pytest.approx((0.33 + 0.06) / 2)
    variance = 0.25 * (0.33 * 0.67 / 999 + 0.06 * 0.94 / 8_999)
    assert arm.moments.variance / arm.moments.n == pytest.approx(variance)
    assert arm.moments.effective == pytest.approx(1 / (0.25 / 1_000 + 0.25 / 9_000))


def test_the_last_look_is_the_result_and_the_first_knows_one_phase(tables: Tables) -> None:
    result = analyzed(tables, SIMPSON, Sum("revenue", action="click", property="price"))
    for name in result:
        over_time, treatment = result[name].over_time, result[name]["b"]
        assert over_time is not None
        looks = over_time.treatments["b"]
        assert looks.comparisons[-1] is not None
        assert looks.comparisons[-1].interval.low == pytest.approx(
            treatment.comparison.interval.low if treatment.comparison else None, rel=1e-9
        )
        assert looks.arms[0].n == 1_000
        assert looks.arms[0].effective is None


@pytest.mark.parametrize("method", ["sequential", "welch", "bayesian", "group-sequential"])
def test_every_method_compares_within_phases(tables: Tables, method: str) -> None:
    options: dict[str, Any] = {"method": method}
    if method == "group-sequential":
        options |= {"sample_size": 20_000, "looks": 2}
    more = [Total("clicks", action="click"), Sum("revenue", action="click", property="price")]
    ratio = Ratio("price", numerator=more[1], denominator=more[0])
    result = analyzed(tables, SIMPSON, *more, ratio, **options)
    assert len(result.phases) == 2
    for name in ("click", "clicks", "revenue"):
        comparison = result[name]["b"].comparison
        assert comparison is not None
        assert comparison.lift is not None
        assert 0.1 < comparison.lift < 0.3
        assert (comparison.p_value <= 0.05) is (method != "sequential")
    price = result["price"]["b"].comparison
    assert price is not None
    assert price.interval.low < 0 < price.interval.high


@pytest.mark.parametrize("cuped", [None, timedelta(days=1)])
@pytest.mark.parametrize("over_time", ["day", None])
@pytest.mark.parametrize("segments", [(), ("plan",)])
def test_weights_that_are_the_same_for_all_change_no_figure(
    tables: Tables, cuped: timedelta | None, over_time: str | None, segments: Sequence[str]
) -> None:
    random = Random(5)  # noqa: S311 - reproducible data, no secret
    exposures, actions = [], []
    for number in range(600):
        unit, hour = f"u{number}", random.random() * 90
        paid = random.choice(["free", "pro"])
        row = exposed(unit, random.choice("ab"), hour, None)
        exposures.append({**row, "properties": f'{{"plan": "{paid}"}}'})
        actions += [
            clicked(unit, hour + random.random() * 40 - 10, random.randrange(40) / 4)
            for _ in range(random.randrange(4))
        ]
    more = [
        Sum("revenue", action="click", property="price"),
        Total("clicks", action="click"),
    ]
    design = Design(
        name="Exp", salt="s", control="a", weights={"a": 5, "b": 5}, metrics=metrics(*more)
    )

    def found(*texts: str | None) -> dict[str, object]:
        rows = [{**row, "weights": texts[i % len(texts)]} for i, row in enumerate(exposures)]
        result = analyze(
            design, **tables(rows, actions), cuped=cuped, over_time=over_time, segments=segments
        )
        assert result.phases == ()
        told = result.to_dict()
        return {key: told[key] for key in told if key not in ("made", "queries", "sources")}

    unknown = found(None)
    assert found(LATE) == unknown
    assert found('{"a":0.5000000001,"b":0.4999999999}', LATE, None, "no JSON") == unknown


def test_a_unit_belongs_to_the_phase_of_its_first_exposure(tables: Tables) -> None:
    exposures, actions = ramp([(900, 100), (500, 500)], [(0.5, 0.5), (0.5, 0.5)], [EARLY, LATE])
    again = [{**row, "hour": 30, "weights": LATE} for row in exposures[:700]]
    for several in ("exclude", "first", "include"):
        result = analyzed(tables, (again + exposures, actions), several=several)
        assert [dict(phase.units) for phase in result.phases] == [
            {"a": 900, "b": 100},
            {"a": 500, "b": 500},
        ]


BECAME = {
    "exclude": "several variants: those that a change of the weights moved are counted for the variant seen "
    "first, all others left out.",
    "first": "several variants: counted for the variant seen first.",
    "include": "several variants: counted for each of these.",
}


@pytest.mark.parametrize("several", ["exclude", "first", "include"])
def test_of_units_that_saw_several_variants_too(tables: Tables, several: str) -> None:
    exposures, actions = ramp([(900, 100), (500, 500)], [(0.5, 0.5), (0.5, 0.5)], [EARLY, LATE])
    jumped = [
        row
        for number in range(10)
        for row in (exposed(f"j{number}", "b", 5, EARLY), exposed(f"j{number}", "a", 30, LATE))
    ]
    torn = [exposed("torn", "a", 5, EARLY), exposed("torn", "b", 6, EARLY)]
    torn.append(exposed("torn", "b", 30, LATE))
    result = analyzed(tables, (exposures + jumped + torn, actions), several=several)
    also = several != "exclude", several == "include"
    assert tuple(result.phases[0].units.values()) == (900 + also[0], 110 + also[1])
    late = 510 if several == "include" else 500
    assert dict(result.phases[1].units) == {"a": late, "b": 500}
    assert result.in_several == 11
    assert BECAME[several] in result.to_text(width=None)


def test_conversions_of_a_phase_without_the_variant_are_not_taken_for_lost_ones(
    tables: Tables,
) -> None:
    before = ramp([(400, 0), (150, 150)], [(0.9, 0), (0.1, 0.08)], ['{"a":1,"b":0}', LATE])
    result = analyzed(tables, before)
    control, variant = result["click"].control, result["click"]["b"]
    assert (control.moments.n, control.conversions) == (150, 15)
    assert variant.missing == (
        "10 more conversions in variant a",
        "13 more conversions in variant b",
    )


def test_a_phase_without_both_arms_is_left_out_and_that_is_said(tables: Tables) -> None:
    before = ramp([(400, 0), (500, 500)], [(0.9, 0), (0.5, 0.6)], ['{"a":1,"b":0}', LATE])
    alone = ramp([(0, 0), (500, 500)], [(0.9, 0), (0.5, 0.6)], [None, LATE])
    result, expected = analyzed(tables, before), analyzed(tables, alone)
    found, plain = (each["click"]["b"].comparison for each in (result, expected))
    assert found is not None
    assert plain is not None
    assert (found.difference, found.interval) == (plain.difference, plain.interval)
    assert result["click"].control.moments.n == 500
    assert result["click"].control.conversions == 250
    assert result.counts[0].units == 900
    assert any(
        "400 units of 1 phase are left out of the comparison of b" in w for w in result.warnings
    )


def test_variants_that_were_never_drawn_together_are_not_compared(tables: Tables) -> None:
    apart = ramp([(400, 0), (0, 400)], [(0.5, 0), (0, 0.5)], ['{"a":1,"b":0}', '{"a":0,"b":1}'])
    treatment = analyzed(tables, apart)["click"]["b"]
    assert treatment.comparison is None
    assert treatment.missing == ("units of both variants that were drawn with the same weights",)


def test_a_third_variant_may_come_later(tables: Tables) -> None:
    exposures, actions = ramp([(500, 500), (300, 300)], [(0.5, 0.6), (0.2, 0.3)], [LATE, None])
    third = '{"a":0.3333333333,"b":0.3333333333,"c":0.3333333333}'
    exposures = [{**row, "weights": row["weights"] or third} for row in exposures]
    exposures += [exposed(f"c{number}", "c", 24 + number / 300, third) for number in range(300)]
    actions += [clicked(f"c{number}", 26) for number in range(120)]
    found = analyzed(tables, (exposures, actions))["click"]
    b, c = found["b"].comparison, found["c"].comparison
    assert b is not None
    assert c is not None
    assert c.control.mean == pytest.approx(0.2)
    assert c.control.n == 300
    assert c.difference == pytest.approx(0.2)
    # 1,000 units of the first phase, 900 of the second.
    assert b.control.mean == pytest.approx((1_000 * 0.5 + 900 * 0.2) / 1_900)
    assert b.difference == pytest.approx(0.1)


def test_weights_of_each_unit_are_no_phases(tables: Tables) -> None:
    exposures, actions = ramp([(100, 100)], [(0.5, 0.5)], [LATE])
    rows = [
        {**row, "weights": f'{{"a":{0.5 + i / 1_000},"b":{0.5 - i / 1_000}}}'}
        for i, row in enumerate(exposures)
    ]
    result = analyzed(tables, (rows, actions))
    assert result.phases == ()
    assert any("more than 50 different weights" in warning for warning in result.warnings)


def test_a_column_of_that_name_that_tells_something_else_changes_nothing(tables: Tables) -> None:
    exposures, actions = ramp([(100, 100)], [(0.5, 0.5)], [None])
    rows = [{**row, "weights": f"{i}.5"} for i, row in enumerate(exposures)]
    result = analyzed(tables, (rows, actions))
    assert (result.phases, result.warnings) == ((), ())


def test_exposures_that_tell_no_weights_are_a_phase_of_their_own(tables: Tables) -> None:
    result = analyzed(
        tables, ramp([(300, 200), (500, 500)], [(0.5, 0.5), (0.2, 0.2)], [None, LATE])
    )
    assert [dict(phase.weights) for phase in result.phases] == [{}, {"a": 0.5, "b": 0.5}]
    assert dict(result.sample_ratio.counts) == {"a": 500, "b": 500}
    assert any("The exposures of 500 units do not tell" in warning for warning in result.warnings)
    assert "weights not known; 300 : 200 units" in result.to_text()


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_files_of_every_form_tell_the_weights(tmp_path: Path, form: Any) -> None:
    files = stored(own(0.1), tmp_path, {"0": 0.5, "1": 0.5}, orgs=500, form=form)
    result = analyze(own(0.1), **files)
    assert dict(result.sample_ratio.weights) == {"0": 0.9, "1": 0.1}


def test_a_table_without_the_column_is_read_as_before(tables: Tables) -> None:
    made = tables(*SIMPSON)
    made["exposures"] = made["exposures"].drop_columns(["weights"])
    design = Design(
        name="Exp", salt="s", control="a", weights={"a": 0.5, "b": 0.5}, metrics=metrics()
    )
    result = analyze(design, **made)
    assert result.phases == ()
    assert not result.sample_ratio.alarm
    assert "weights" not in result.queries["exposures in the table"]


def test_files_with_and_without_the_column_are_read_together(
    tables: Tables, tmp_path: Path
) -> None:
    import pyarrow.parquet as pq

    made = tables(*SIMPSON)
    table = made["exposures"]
    early = [day < 24 for day in (row["hour"] for row in SIMPSON[0])]
    where = tmp_path / "exposures"
    where.mkdir()
    pq.write_table(table.filter(early).drop_columns(["weights"]), where / "old.parquet")
    pq.write_table(table.filter([not each for each in early]), where / "new.parquet")
    design = Design(
        name="Exp", salt="s", control="a", weights={"a": 0.9, "b": 0.1}, metrics=metrics()
    )
    result = Analysis(design, exposures=str(where), actions=made["actions"]).run()
    assert [dict(phase.weights) for phase in result.phases] == [
        {"a": 0.9, "b": 0.1},
        {"a": 0.1, "b": 0.9},
    ]
    assert not result.sample_ratio.alarm


def own(share: float) -> type[OrgExperiment]:
    """The seed's form: no `variants`, the weights in the code."""

    class ShowPlugins(OrgExperiment):
        control = "0"
        metrics = [Conversion("clicked", direction="increase", goal=0.02)]

        def assign(self, params: Params, org: Any) -> None:
            params.variant = WeightedChoice(
                choices=["0", "1"], weights=[1 - share, share], unit=org
            )

    return ShowPlugins


def stored(
    experiment: type[OrgExperiment],
    where: Path,
    rates: Mapping[str, float],
    *,
    orgs: int,
    form: Any = "parquet",
) -> dict[str, Any]:
    random = Random(3)  # noqa: S311 - reproducible data, no secret
    with ExposureLogger(FileSink(where, format=form)) as logger:
        manager = ExperimentManager(on_event=logger, strict=True)
        manager.add(experiment)
        for org in range(orgs):
            manager.log_exposure("ShowPlugins", org=f"org-{org}")
            if random.random() < rates[manager.get("ShowPlugins", org=f"org-{org}")]:
                manager.track("clicked", org=f"org-{org}")
    return {"exposures": str(where / "exposures"), "actions": str(where / "actions")}


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
def test_weights_in_an_own_assign_get_a_verdict(tmp_path: Path, share: float) -> None:
    """20,000 organizations, through the real manager and files."""
    files = stored(own(share), tmp_path, {"0": 0.2, "1": 0.4}, orgs=20_000)
    result = analyze(own(share), **files, method="welch")
    assert result.sample_ratio.known
    assert result.sample_ratio.weights["1"] == pytest.approx(share)
    assert not result.sample_ratio.alarm
    assert result.phases == ()
    comparison = result["clicked"]["1"].comparison
    assert comparison is not None
    assert comparison.significant


def test_a_ramp_of_an_own_assign_whose_units_come_again(tmp_path: Path) -> None:
    """2,000 organizations on the first day; all of them, and 2,000 new ones, on the second."""
    random = Random(4)  # noqa: S311 - reproducible data, no secret
    events: list[Any] = []
    for day, share in enumerate((0.1, 0.5)):
        seconds = START.timestamp() + 86_400 * day
        clock = partial(float, seconds)
        manager = ExperimentManager(on_event=events.append, strict=True, clock=clock)
        manager.add(own(share))
        for org in range(2_000 * (day + 1)):
            manager.log_exposure("ShowPlugins", org=org)
            if random.random() < 0.1 * (day + 1):
                manager.track("clicked", org=org)
    sink = FileSink(tmp_path)
    sink.send([event._replace(insert_id=f"{number}") for number, event in enumerate(events)])
    files: dict[str, Any] = {
        "exposures": str(tmp_path / "exposures"),
        "actions": str(tmp_path / "actions"),
    }
    result = analyze(own(0.5), **files)
    assert [sum(phase.units.values()) for phase in result.phases] == [2_000, 2_000]
    assert not result.sample_ratio.alarm
    comparison = result["clicked"]["1"].comparison
    assert comparison is not None
    assert comparison.interval.low < 0 < comparison.interval.high
    assert any(
        "those that a change of the weights moved count for the first one" in warning
        for warning in result.warnings
    )
    first = analyze(own(0.5), **files, several="first")
    assert first["clicked"]["1"].comparison == comparison


def test_weights_in_code_are_found_there_where_exposures_are_too_old_to_tell(
    tmp_path: Path,
) -> None:
    import pyarrow.parquet as pq

    files = stored(own(0.1), tmp_path, {"0": 0.5, "1": 0.5}, orgs=2_000)
    for file in Path(files["exposures"]).rglob("*.parquet"):
        pq.write_table(pq.read_table(file).drop_columns(["weights"]), file)
    result = analyze(own(0.1), **files)
    assert result.sample_ratio.known
    assert dict(result.sample_ratio.weights) == {"0": 0.9, "1": 0.1}

    class ShowPlugins(OrgExperiment):
        control = "0"
        metrics = [Conversion("clicked", goal=0.02)]

        def assign(self, params: Params, org: Any) -> None:
            rare = 0.1 if org.design == "free" else 0.5
            params.variant = WeightedChoice(choices=["0", "1"], weights=[1 - rare, rare], unit=org)

    result = analyze(ShowPlugins, **files)
    assert not result.sample_ratio.known
    assert not result.sample_ratio.alarm
    assert any(
        "not tested: the weights are written in assign(), and the exposures do not" in warning
        for warning in result.warnings
    )


def test_times_before_1970_and_two_weights_at_one_moment_have_a_phase(tables: Tables) -> None:
    hour = (datetime(1960, 1, 1, tzinfo=UTC) - START) / timedelta(hours=1)
    rows = [exposed(f"{i}", "ab"[i % 2], hour, text) for i in range(8) for text in (EARLY, LATE)]
    result = analyzed(tables, (rows, [clicked("1", hour + 1)]))
    assert [sum(phase.units.values()) for phase in result.phases] == [8, 0]
