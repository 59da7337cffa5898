"""Every kind of result goes through every presentation."""

import csv
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from io import StringIO
from math import inf, nan
from pathlib import Path
from typing import Any

import nbformat
import pytest
from attrs import evolve

from abkit import Conversion, Mean, Quantile, Sum
from abkit.analysis import Design, Moments
from abkit.analysis.inference.comparison import Interval
from abkit.analysis.presentation.notebook import Recipe
from abkit.analysis.result import Result

from ..asked import analyze, analyze_sums, analyze_units

UNITS = 400
START = datetime(2026, 11, 2, tzinfo=UTC)
BOUGHT = Conversion("bought", goal=0.05)
SPENT = Sum("spent", action="bought", property="price", role="secondary")
PRICE = Quantile("price", action="bought", property="price", q=0.9, per="unit")
REVENUE = Mean("revenue", role="secondary")
ERRORS = Conversion("errors", direction="decrease", role="guardrail")


def table(**columns: Callable[[int], object]) -> Any:
    """A table of units; the variants take turns."""
    import pandas as pd

    usual: dict[str, Callable[[int], object]] = {
        "id": lambda i: i,
        "v": lambda i: "ab"[i % 2],
        "bought": lambda i: i % 7 < 2 + i % 2,
        "revenue": lambda i: float(i % 13 + i % 2),
        "visits": lambda i: float(i % 11),
        "errors": lambda i: i % 10 < 2 + 5 * (i % 2),
        "plan": lambda i: None if i % 5 == 0 else "free" if i % 3 else "pro",
    }
    made = {**usual, **columns}
    return pd.DataFrame({name: [of(i) for i in range(UNITS)] for name, of in made.items()})


def of_units(frame: Any = None, **asked: Any) -> Result:
    said: dict[str, Any] = {"unit": "id", "variant": "v", "control": "a", "metrics": [BOUGHT]}
    return analyze_units(table() if frame is None else frame, **{**said, **asked})


def of_events(**asked: Any) -> Result:
    import pandas as pd

    exposures = pd.DataFrame(
        {
            "experiment": "Test",
            "salt": "Test",
            "unit_type": "user",
            "unit_id": [str(i) for i in range(UNITS)],
            "user_id": [str(i) for i in range(UNITS)],
            "variant": ["ab"[i % 2] for i in range(UNITS)],
            "time": [START + timedelta(hours=i % 120) for i in range(UNITS)],
            "properties": ['{"plan": "free"}' if i % 3 else "{}" for i in range(UNITS)],
        }
    )
    bought = [i for i in range(UNITS) if i % 7 < 2 + i % 2]
    actions = pd.DataFrame(
        {
            "action": "bought",
            "user_id": [str(i) for i in bought],
            "time": [START + timedelta(hours=i % 120 + 1) for i in bought],
            "properties": [f'{{"price": {3.5 + i % 40}}}' for i in bought],
        }
    )
    design = Design(
        name="Test",
        salt="Test",
        control="a",
        metrics=asked.pop("metrics", (BOUGHT, SPENT)),
        weights=asked.pop("weights", {"a": 0.5, "b": 0.5}),
    )
    return analyze(design, **{"exposures": exposures, "actions": actions, **asked})


def of_sums(**asked: Any) -> Result:
    sums: dict[Any, Any] = {
        BOUGHT: {"a": 200, "b": 260},
        Mean("spent"): {"a": Moments(1000, 4.0, 2.0), "b": Moments(1000, 5.0, 2.0)},
    }
    said: dict[str, Any] = {"sums": sums, "units": {"a": 1000, "b": 1000}, "control": "a"}
    return analyze_sums("Sums", **{**said, **asked})


def unbounded() -> Result:
    """As an early look, or a mean near 0, may leave it: no lift, no end, no number."""
    result = of_sums()
    found = result.metrics[0]
    (treatment,) = found.treatments
    assert treatment.comparison is not None
    wild = evolve(
        treatment.comparison,
        lift=None,
        lift_interval=None,
        interval=Interval(-inf, inf),
        difference=nan,
        p_value=nan,
    )
    treatment = evolve(treatment, comparison=wild, corrected_p=nan)
    return evolve(result, metrics=(evolve(found, treatments=(treatment,)), *result.metrics[1:]))


ALL = {"metrics": [BOUGHT, REVENUE, ERRORS]}
PAST = {"cuped": {"revenue": "visits"}}

KINDS: Mapping[str, Callable[[], Result]] = {
    "an experiment": of_events,
    "an experiment, one look": lambda: of_events(over_time=None),
    "an experiment by the hour": lambda: of_events(over_time="hour"),
    "an experiment with the past": lambda: of_events(cuped=timedelta(days=14)),
    "an experiment in segments": lambda: of_events(segments=["plan"]),
    "an experiment in a time frame": lambda: of_events(start="2026-11-03", until="2026-11-05"),
    "an experiment, nothing done": lambda: of_events(actions=None),
    "an experiment decided by a quantile": lambda: of_events(
        metrics=(PRICE, evolve(PRICE, name="largest", q=0.99999), BOUGHT), segments=["plan"]
    ),
    "an experiment by Bayes": lambda: of_events(method="bayesian"),
    "an experiment at planned looks": lambda: of_events(
        method="group-sequential", sample_size=800, looks=4
    ),
    "an experiment of other weights": lambda: of_events(weights={"a": 0.9, "b": 0.1}),
    "an experiment, one variant absent": lambda: of_events(weights={"a": 1, "b": 1, "c": 1}),
    "units": of_units,
    "units, one metric alone": lambda: of_units(metrics=REVENUE),
    "units, all metrics": lambda: of_units(**ALL),
    "units with the past": lambda: of_units(**ALL, **PAST),
    "units in segments": lambda: of_units(**ALL, segments=["plan"]),
    "units with the past in segments": lambda: of_units(**ALL, **PAST, segments=["plan"]),
    "units by Bayes": lambda: of_units(**ALL, method="bayesian"),
    "units by Welch": lambda: of_units(**ALL, method="welch"),
    "units, corrected by Holm": lambda: of_units(
        table(v=lambda i: "abc"[i % 3]), **ALL, correction="holm"
    ),
    "units, not enough": lambda: of_units(table(v=lambda i: "b" if i < 5 else "a"), **ALL),
    "units, none converted": lambda: of_units(table(bought=lambda _: False)),
    "units, all of one value": lambda: of_units(table(revenue=lambda _: 3.0), metrics=REVENUE),
    "units, control of 0": lambda: of_units(
        table(revenue=lambda i: float(i % 2 and i % 9)), metrics=REVENUE
    ),
    "units, huge values": lambda: of_units(
        table(revenue=lambda i: 1e150 * (i % 13)), metrics=REVENUE
    ),
    "units, mismatch": lambda: of_units(weights={"a": 0.8, "b": 0.2}, **ALL),
    "units of three variants": lambda: of_units(table(v=lambda i: "abc"[i % 3]), **ALL),
    "units of many variants": lambda: of_units(table(v=lambda i: f"v{i % 20}"), control="v0"),
    "sums": of_sums,
    "sums by Bayes": lambda: of_sums(method="bayesian"),
    "no number, no end": unbounded,
}


@pytest.fixture(scope="module", params=KINDS)
def result(request: pytest.FixtureRequest) -> Result:
    return KINDS[request.param]()


RAW = ("None", "nan", "inf ", " inf", "{", "}", "<class", "Direction.")


def _shows_no_raw_value(text: str) -> None:
    assert [raw for raw in RAW if raw in text] == []


@pytest.mark.parametrize("width", [40, 60, 80, 120, None])
def test_it_is_printed(result: Result, width: int | None) -> None:
    text = result.to_text(width=width)
    assert text.startswith(result.design.name)
    assert "Recommendation: " in text
    _shows_no_raw_value(text)
    tables = [line for line in text.splitlines() if "abkit roll" not in line]
    assert width is None or max(map(len, tables)) <= width
    assert all(found.metric.name in text for found in result.metrics)


def test_it_is_shown_in_a_shell_and_in_a_cell(result: Result) -> None:
    assert "Recommendation: " in repr(result)
    assert "Recommendation: " in result._repr_html_()


def test_it_is_a_page(result: Result, tmp_path: Path) -> None:
    from .test_report import Page

    page = Page(result.to_html(tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "Recommendation: " in page.text
    queries = page.text.index("How this was computed")
    _shows_no_raw_value(page.text[:queries].replace("None\n", "\n"))
    assert ("All metrics" in page.text) is (len(result.metrics) > 1)


def test_it_is_drawn(result: Result) -> None:
    for _, chart in result.charts():
        assert chart.to_dict()


def test_it_is_a_notebook(result: Result, tmp_path: Path) -> None:
    path = result.to_notebook(tmp_path / "n.ipynb", Recipe(code="analysis = None", tables={}))
    nbformat.validate(json.loads(path.read_text(encoding="utf-8")))


def test_it_is_exported(result: Result) -> None:
    document = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    rows = [*csv.DictReader(StringIO(result.to_csv()))]
    expected = sum(1 + len(found.treatments) for found in result.metrics)
    assert len(rows) == len(result.to_frame()) == expected
    assert document["recommendation"]["action"] == result.recommendation.action
    assert len(document["alerts"]) >= result.sample_ratio.alarm
