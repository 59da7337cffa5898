"""A result for other programs."""

import csv
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from math import inf, nan
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from abkit import Conversion, MissingExtraError
from abkit.analysis.inference.comparison import Interval
from abkit.analysis.presentation.export import COLUMNS, rows, to_csv
from abkit.analysis.presentation.export.plain import plain
from abkit.analysis.result import Result
from abkit.analysis.statistics.aggregates import Moments
from abkit.experiments.declaring.analysis_plan import fields_of_a_plan

Full = Callable[..., Result]


def with_comparison(result: Result, **changes: Any) -> Result:
    """The same; the first comparison is changed."""
    first = result.metrics[0]
    treatment, *others = first.treatments
    assert treatment.comparison is not None
    treatment = evolve(treatment, comparison=evolve(treatment.comparison, **changes))
    found = evolve(first, treatments=(treatment, *others))
    return evolve(result, metrics=(found, *result.metrics[1:]))


@pytest.mark.parametrize("change", ["full", "bare", "bayesian"])
def test_a_document_survives_json(full: Full, changed: Any, change: str) -> None:
    document = changed.get(change, lambda r: r)(full()).to_dict()
    text = json.dumps(document, allow_nan=False)
    assert json.loads(text) == document


def test_a_document_has_inputs_method_version_and_every_part(full: Full) -> None:
    document: Any = full().to_dict()
    assert document["format"] == 1
    assert document["settings"]["taus"] == {"integration link clicked": 0.01}
    assert document["declared_metrics"][1]["property"] == "price"
    assert document["frame"] == {
        "from": "2026-11-02T00:00:00+00:00",
        "until": "2026-11-16T00:00:00+00:00",
    }
    assert document["versions"]["engine"] == "DuckDB 1.4"
    assert document["recommendation"]["command"].startswith("abkit rollout")
    exposures = document["exposures"]
    assert exposures["exclusions"] == {"testers": 41, "bots": 7}
    assert exposures["cumulative"]["units"]["0"][-1] == 9000
    assert exposures["cumulative"]["complete"] is False
    assert exposures["unassigned"]["without"] == {"2026-11-03": 5, "2026-11-04": 2}
    assert document["remaining"]["days"] == 6
    assert [segment["value"] for segment in document["segments"]] == ["free", "team", None]
    (novelty,) = document["novelty"]
    assert (novelty["metric"], novelty["length"]) == ("integration link clicked", 14)
    (effect,) = novelty["treatments"]
    assert (effect["variant"], effect["trend"], len(effect["days"])) == ("1", "wears off", 14)
    assert effect["early"]["lift"] == pytest.approx(3 * effect["late"]["lift"])
    revenue = document["metrics"][1]
    assert revenue["adjustment"]["variance_reduction"] == 0.4375
    assert revenue["treatments"][0]["capped"] == 112
    series = revenue["over_time"]["treatments"]["1"]
    assert len(series["running_p"]) == len(revenue["over_time"]["ends"]) == 14


def test_a_document_has_every_setting(full: Full) -> None:
    document: Any = full().to_dict()
    assert set(document["settings"]) == {*fields_of_a_plan()}


def test_what_is_no_finite_number_is_null(full: Full) -> None:
    changed = with_comparison(
        full(), difference=nan, interval=Interval(-inf, 3.0), lift=None, lift_interval=None
    )
    document: Any = changed.to_dict()
    comparison = document["metrics"][0]["treatments"][0]["comparison"]
    assert comparison["difference"] is None
    assert comparison["interval"] == {"low": None, "high": 3.0}
    assert comparison["lift_interval"] is None
    json.dumps(document, allow_nan=False)


def test_plain_values_of_time_are_iso_8601_and_seconds() -> None:
    assert plain(datetime(2026, 11, 2, 3, tzinfo=UTC)) == "2026-11-02T03:00:00+00:00"
    assert plain(timedelta(minutes=2)) == 120.0
    assert plain({1: (nan, {Conversion("a").direction})}) == {"1": [None, ["increase"]]}


def test_there_is_a_row_for_each_metric_and_variant(full: Full) -> None:
    found = rows(full(("0", "1", "2")))
    assert [(row["metric"], row["variant"]) for row in found[:4]] == [
        ("integration link clicked", "0"),
        ("integration link clicked", "1"),
        ("integration link clicked", "2"),
        ("revenue", "0"),
    ]
    assert len(found) == 9
    assert all(list(row) == list(COLUMNS) for row in found)


def test_a_column_is_filled_where_the_result_has_it(full: Full) -> None:
    """No column is dead: one of these results has a value in it."""
    results = [full(units=900), full()]
    cells = [cell for result in results for row in rows(result) for cell in row.items()]
    filled = {name for name, value in cells if value is not None}
    of_a_margin = {name for name in COLUMNS if name.startswith("margin")}
    assert set(COLUMNS) - filled == {"chance_to_beat", "chance_to_be_best", *of_a_margin}


def test_chances_are_in_the_rows_of_a_bayesian_result(full: Full, changed: Any) -> None:
    control, treatment = rows(changed["bayesian"](full()))
    assert (control["chance_to_beat"], treatment["chance_to_beat"]) == (None, 0.9994)
    assert treatment["chance_to_be_best"] == 0.93


def test_csv_can_be_read_again(full: Full, tmp_path: Path) -> None:
    text = with_comparison(full(), interval=Interval(-inf, 3.0)).to_csv(tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_bytes().decode() == text
    first, second, *_ = csv.DictReader(StringIO(text))
    assert first["is_control"] == "true"
    assert float(second["difference_low"]) == -inf
    assert float(second["p_value"]) == rows(full())[1]["p_value"]
    frame = pd.read_csv(StringIO(text))
    assert frame["units"].sum() == 54_000


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_spreadsheet_takes_no_name_for_a_formula(full: Full, start: str) -> None:
    name = f"{start}HYPERLINK(1)"
    text = to_csv(full(("0", name), metrics=(Conversion("m"),)))
    _, row = csv.DictReader(StringIO(text, newline=""))
    assert row["variant"] == "'" + name
    assert float(row["lift"]) > 0


def test_a_variant_that_is_a_number_stays_one(full: Full) -> None:
    text = to_csv(full(("0", "-1"), metrics=(Conversion("m"),)))
    assert [row["variant"] for row in csv.DictReader(StringIO(text))] == ["0", "-1"]


@given(st.text(min_size=1).filter(lambda name: name.strip()))
def test_any_name_stays_in_its_cell(full: Full, name: str) -> None:
    found = full(("0", name + "x"), metrics=(Conversion(name),), looks=0, values=())
    text = to_csv(found).encode("utf-8", "replace").decode()
    read = list(csv.reader(StringIO(text, newline="")))
    assert [len(row) for row in read] == [len(COLUMNS)] * 3


def test_a_name_that_is_no_unicode_does_not_break_the_file(full: Full, tmp_path: Path) -> None:
    full(("0", "a\udc80"), metrics=(Conversion("m"),)).to_csv(tmp_path / "r.csv")
    assert "a?" in (tmp_path / "r.csv").read_text(encoding="utf-8")


def test_a_frame_is_pandas_then_polars_then_arrow(
    full: Full, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = full()
    frame = result.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == list(COLUMNS)
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert isinstance(result.to_frame(), pl.DataFrame)
    assert result.to_frame()["lift"].drop_nulls().len() == 2
    monkeypatch.setitem(sys.modules, "polars", None)
    assert isinstance(result.to_frame(), pa.Table)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match="pandas, polars or pyarrow"):
        result.to_frame()


def test_an_infinite_mean_is_null_in_json_and_inf_in_rows(full: Full) -> None:
    result = full()
    first = result.metrics[0]
    control = evolve(first.control, moments=Moments(10, inf, inf))
    broken = evolve(result, metrics=(evolve(first, control=control), *result.metrics[1:]))
    document: Any = broken.to_dict()
    assert document["metrics"][0]["control"]["mean"] is None
    assert rows(broken)[0]["mean"] == inf
