"""A table with one row per unit in, a result out; and wrong tables refused."""

import os
from pathlib import Path
from typing import Any

import pytest

from abkit import Conversion, Mean, Total
from abkit.analysis.reading.sources import Source
from abkit.analysis.result import Result
from abkit.errors import (
    AnalysisError,
    EmptyDataError,
    MissingColumnError,
    TooFewVariantsError,
)
from abkit.experiments.declaring.metrics import Metric, Winsorize

from .asked import analyze_sums, analyze_units

COOKIE_CATS = Path(__file__).resolve().parents[3] / "shared" / "data" / "cookie_cats.csv"


def analyze(source: Source, *metrics: Metric, **options: Any) -> Result:
    usual: dict[str, Any] = {"unit": "id", "variant": "v", "control": "a"}
    chosen = metrics or (Conversion("c"), Mean("x"))
    return analyze_units(source, metrics=chosen, **{**usual, **options})


def write(path: Path, rows: list[str], *, header: str = "id,v,c,x") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def usual_rows(*, yes: str = "1", no: str = "0", x: str = "2.5") -> list[str]:
    return [f"{i},{'ab'[i % 2]},{yes if i % 4 == 0 else no},{x}{i % 7}" for i in range(400)]


@pytest.fixture
def cookie_cats() -> Path:
    if not COOKIE_CATS.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{COOKIE_CATS.name} is missing")
        pytest.skip("the reference data are not here")
    return COOKIE_CATS


@pytest.mark.parametrize(
    ("method", "sample_size"), [("sequential", None), ("welch", None), ("welch", 90_000)]
)
def test_the_known_answers_of_cookie_cats(
    cookie_cats: Path, method: str, sample_size: int | None
) -> None:
    """44,700 and 45,489 players; 20,034 and 20,119 back after a day; 8,502 and 8,279 after seven."""
    result = analyze_units(
        cookie_cats,
        unit="userid",
        variant="version",
        control="gate_30",
        metrics=[Conversion("retention_1"), Conversion("retention_7"), Mean("sum_gamerounds")],
        method=method,
        sample_size=sample_size,
    )
    one, seven, rounds = result.metrics
    arms = [(m.control, m.treatments[0].arm) for m in result.metrics]
    assert [c.moments.n for c, _ in arms] == [44_700] * 3
    assert [t.moments.n for _, t in arms] == [45_489] * 3
    assert (one.control.conversions, one.treatments[0].arm.conversions) == (20_034, 20_119)
    assert (seven.control.conversions, seven.treatments[0].arm.conversions) == (8_502, 8_279)
    assert rounds.control.moments.mean == pytest.approx(52.4563, abs=1e-4)
    assert result.sample_ratio.chi_square_p == pytest.approx(0.0086, abs=5e-5)
    # 44,700 : 45,489 is too far from even for the one look that was planned, not for one a day.
    alarm = sample_size is not None
    assert result.sample_ratio.alarm is alarm
    assert ("mismatch" in result.recommendation.reasons[0]) is alarm
    compared = seven.treatments[0].comparison
    assert compared is not None
    if method == "welch":
        assert compared.p_value == pytest.approx(0.00156, abs=2e-5)
        assert compared.significant


@pytest.mark.parametrize(
    ("yes", "no"),
    [("TRUE", "FALSE"), ("true", "false"), ("t", "f"), ("T", "F"), ("1", "0"), ("1.0", "0.0")],
)
def test_conversions_may_be_spelled_in_several_ways(tmp_path: Path, yes: str, no: str) -> None:
    result = analyze(write(tmp_path / "u.csv", usual_rows(yes=yes, no=no)))
    found = result.metrics[0]
    assert (found.control.conversions, found.treatments[0].arm.conversions) == (100, 0)
    assert found.control.moments.n == found.treatments[0].arm.moments.n == 200


@pytest.mark.parametrize("wrong", ["maybe", "2", "0.5", "-1"])
def test_other_values_of_a_conversion_are_refused(tmp_path: Path, wrong: str) -> None:
    rows = [*usual_rows(), f"999,a,{wrong},1"]
    with pytest.raises(AnalysisError, match=f"has '{wrong}', which is not true or false"):
        analyze(write(tmp_path / "u.csv", rows))


@pytest.mark.parametrize("wrong", ["much", "1,5", "inf", "-inf", "1e999"])
def test_values_of_a_mean_must_be_finite_numbers(tmp_path: Path, wrong: str) -> None:
    rows = [*usual_rows(), f'999,a,0,"{wrong}"']
    with pytest.raises(AnalysisError, match="not a finite number"):
        analyze(write(tmp_path / "u.csv", rows))


@pytest.mark.parametrize(("row", "column"), [("999,a,,1", "c"), ("999,a,0,", "x")])
def test_an_empty_value_of_a_metric_is_refused(tmp_path: Path, row: str, column: str) -> None:
    with pytest.raises(AnalysisError, match=f"{column} is empty for 1 unit\\."):
        analyze(write(tmp_path / "u.csv", [*usual_rows(), row]))


@pytest.mark.parametrize(("row", "what"), [("999,,0,1", "variant"), (",a,0,1", "unit id")])
def test_rows_without_variant_or_unit_are_left_out_and_told(
    tmp_path: Path, row: str, what: str
) -> None:
    result = analyze(write(tmp_path / "u.csv", [*usual_rows(), row, row]))
    assert sum(c.units for c in result.counts) == 400
    assert result.incomplete == 2
    assert f"2 rows have no {what}: they are left out." in result.warnings


def test_a_unit_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    rows = [*usual_rows(), "7,a,0,1", "7,b,0,1"]
    with pytest.raises(AnalysisError, match="3 rows have the value '7' of 'id'"):
        analyze(write(tmp_path / "u.csv", rows))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingColumnError, match="no column 'xx'. Did you mean 'x'"):
        analyze(write(tmp_path / "u.csv", usual_rows()), Mean("xx"))


def test_a_table_of_one_variant_has_nothing_to_compare(tmp_path: Path) -> None:
    rows = [f"{i},a,0,{i}" for i in range(200)]
    with pytest.raises(TooFewVariantsError, match="only"):
        analyze(write(tmp_path / "u.csv", rows))


def test_a_control_that_is_not_in_the_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TooFewVariantsError, match="Variants found: 'a', 'b'"):
        analyze(write(tmp_path / "u.csv", usual_rows()), control="gate_30")


def test_a_header_alone_is_empty_data(tmp_path: Path) -> None:
    with pytest.raises(EmptyDataError, match=" has columns but no rows"):
        analyze(write(tmp_path / "u.csv", []))


def test_a_column_of_variants_without_values_is_empty_data(tmp_path: Path) -> None:
    with pytest.raises(EmptyDataError, match="no value in its column 'v'"):
        analyze(write(tmp_path / "u.csv", ["1,,0,1", "2,,0,1"]))


def test_a_thousand_variants_are_taken_for_a_mistake(tmp_path: Path) -> None:
    rows = [f"{i},v{i},0,1" for i in range(1000)]
    with pytest.raises(AnalysisError, match="column 'v', has more than 50 different variants"):
        analyze(write(tmp_path / "u.csv", rows))


@pytest.mark.parametrize("name", ['say "hi"', "it's", "a; drop table units", "ü n", "select"])
def test_any_name_of_a_column_will_do(tmp_path: Path, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    path = write(tmp_path / "u.csv", usual_rows(), header=f"id,v,{quoted},x")
    result = analyze(path, Conversion("c", action=name))
    assert result.metrics[0].control.conversions == 100


def test_one_column_may_serve_two_metrics(tmp_path: Path) -> None:
    result = analyze(
        write(tmp_path / "u.csv", usual_rows()), Conversion("c"), Mean("rate", column="c")
    )
    binary, mean = result.metrics
    assert binary.control.moments.mean == mean.control.moments.mean == 0.5


def test_a_metric_of_actions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="needs exposures and actions"):
        analyze(write(tmp_path / "u.csv", usual_rows()), Total("c"))


def test_constant_values_are_not_compared(tmp_path: Path) -> None:
    rows = [f"{i},{'ab'[i % 2]},1,3" for i in range(400)]
    result = analyze(write(tmp_path / "u.csv", rows))
    for found in result.metrics:
        assert found.treatments[0].comparison is None
        assert "some variation" in found.treatments[0].missing[0]


def test_separators_are_found_out(tmp_path: Path) -> None:
    path = tmp_path / "u.csv"
    path.write_text("\n".join(["id;v;c;x", *(r.replace(",", ";") for r in usual_rows())]))
    assert analyze(path).metrics[0].control.conversions == 100


def test_frames_give_what_files_give(tmp_path: Path) -> None:
    import pandas as pd
    import polars as pl

    path = write(tmp_path / "u.csv", usual_rows())
    frame = pd.read_csv(path)
    wanted = analyze(path).to_dict()["metrics"]
    assert analyze(frame).to_dict()["metrics"] == wanted
    assert analyze(frame.astype({"c": bool})).to_dict()["metrics"] == wanted
    assert analyze(pl.read_csv(path)).to_dict()["metrics"] == wanted
    frame.to_parquet(tmp_path / "u.parquet")
    assert analyze(tmp_path / "u.parquet").to_dict()["metrics"] == wanted


def test_numeric_columns_of_parquet_are_checked_for_nan(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = [float(i) for i in range(399)] + [float("nan")]
    table = pa.table({"id": range(400), "v": ["a", "b"] * 200, "x": values})
    pq.write_table(table, tmp_path / "u.parquet")
    with pytest.raises(AnalysisError, match="not finite numbers"):
        analyze(tmp_path / "u.parquet", Mean("x"))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_percentile_that_is_not_finite_is_no_limit(tmp_path: Path, number: float) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = [1.0] * 360 + [number] * 40
    table = pa.table({"id": range(400), "v": ["a", "b"] * 200, "x": values})
    pq.write_table(table, tmp_path / "u.parquet")
    limited = Mean("x", winsorize=Winsorize(upper_percentile=99))
    with pytest.raises(AnalysisError, match="x has values that are not finite numbers"):
        analyze(tmp_path / "u.parquet", limited)


def test_a_table_without_ids_has_a_unit_in_each_row(tmp_path: Path) -> None:
    rows = [line.partition(",")[2] for line in usual_rows()]
    path = write(tmp_path / "u.csv", [*rows, ",0,1"], header="v,c,x")
    result = analyze(path, unit=None, segments=["c"])
    assert [count.units for count in result.counts] == [200, 200]
    assert result.metrics[0].control.conversions == 100
    assert "1 row has no variant: it is left out." in result.warnings


def test_the_named_index_of_a_frame_is_its_ids() -> None:
    import pandas as pd

    columns = {"v": ["a", "b"] * 100, "c": [True, False] * 100, "x": [1.0] * 200}
    named = pd.DataFrame(columns, index=pd.Index(range(200), name="id"))
    assert analyze(named).metrics[0].control.conversions == 100
    plain = pd.DataFrame(columns)
    with pytest.raises(MissingColumnError, match="no column 'id'"):
        analyze(plain)
    assert analyze(plain, unit=None).metrics[0].control.conversions == 100
    twice = pd.DataFrame(columns, index=pd.Index([7] * 200, name="id"))
    with pytest.raises(
        AnalysisError, match="200 rows have the value '?7'? of 'id'; leave unit out"
    ):
        analyze(twice)


def test_what_has_no_times_has_no_planned_looks(tmp_path: Path) -> None:
    path = write(tmp_path / "u.csv", usual_rows())
    with pytest.raises(AnalysisError, match="in the results over time, which only Analysis has"):
        analyze(path, method="group-sequential", sample_size=400)
    sums: Any = {Conversion("c"): {"a": 20, "b": 30}}
    with pytest.raises(AnalysisError, match="in the results over time, which only Analysis has"):
        analyze_sums(
            "s",
            sums=sums,
            units={"a": 200, "b": 200},
            control="a",
            method="group-sequential",
            sample_size=400,
        )


def unequal_rows() -> list[str]:
    return [f"{i},{'b' if i % 10 == 0 else 'a'},{i % 2},{i % 7}" for i in range(2000)]


def test_arms_far_from_equal_are_not_checked_without_weights(tmp_path: Path) -> None:
    path = write(tmp_path / "u.csv", unequal_rows())
    result = analyze(path)
    assert not result.sample_ratio.known
    assert not result.sample_ratio.alarm
    (note,) = [w for w in result.warnings if "shares" in w]
    assert "a 90.0%, b 10.0% are not equal" in note
    assert note.endswith("Give weights.")
    assert "Sample ratio not known: 1,800 : 200 units" in result.to_text()
    told = analyze(path, weights={"b": 0.1, "a": 0.9})
    assert (told.sample_ratio.known, told.sample_ratio.alarm) == (True, False)
    wrong = analyze(path, weights={"a": 0.8, "b": 0.2})
    assert wrong.sample_ratio.alarm


def test_the_sample_ratio_has_the_control_first(tmp_path: Path) -> None:
    result = analyze(write(tmp_path / "u.csv", usual_rows()), control="b")
    assert list(result.sample_ratio.counts) == ["b", "a"]


def test_limits_that_leave_nothing_are_not_taken_for_another_column(tmp_path: Path) -> None:
    rows = [f"{i},{'ab'[i % 2]},0,{5 if i == 0 else 0}" for i in range(400)]
    limited = Mean("x", winsorize=Winsorize(upper_percentile=99))
    warnings = analyze(write(tmp_path / "t.csv", rows), limited).warnings
    assert any("'x' is 0 for every unit within its limits" in warning for warning in warnings)
    assert not any("the right column" in warning for warning in warnings)
