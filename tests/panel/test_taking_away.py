"""What is taken away: the charts as pictures, and a notebook that finds the same."""

import io
import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import duckdb
import nbformat
import pytest
from tests.panel.asking import asked, page, result, settled
from tests.panel.shop import Checkout, analysis_of, manager

from abkit import ExperimentManager
from abkit.analysis.presentation.charts.zipped import zipped_pictures
from abkit.errors import AnalysisError
from abkit.panel import Panel, StoredSource

PNG = b"\x89PNG\r\n\x1a\n"


def notebook(panel: Panel, query: str = "") -> dict[str, Any]:
    """The notebook of what is shown."""
    answer = settled(panel, "experiments/Checkout/notebook.ipynb", query)
    assert answer.status is HTTPStatus.OK, answer.body.decode()
    assert answer.content_type == "application/x-ipynb+json"
    found: dict[str, Any] = json.loads(answer.body)
    nbformat.validate(found)
    return found


def run(found: Mapping[str, Any], *, most: int = 10_000) -> dict[str, Any]:
    """What the cells leave in their names, run in order."""
    names: dict[str, Any] = {}
    code = ["".join(c["source"]) for c in found["cells"] if c["cell_type"] == "code"]
    for cell in code[:most]:
        exec(compile(cell, "cell", "exec"), names)  # noqa: S102 - of our own
    return names


def numbers(found: object) -> list[float]:
    """All numbers of a part of a result, as `to_dict` has it."""
    if isinstance(found, dict):
        return [number for each in found.values() for number in numbers(each)]
    if isinstance(found, list):
        return [number for each in found for number in numbers(each)]
    return [float(found)] if isinstance(found, int | float) else []


def test_everything_is_offered(shop_panel: Panel) -> None:
    html = page(shop_panel, "experiments/Checkout/", "confidence=0.9")
    for name in ("result.csv", "charts.zip", "notebook.ipynb", "queries.sql"):
        assert f'href="/ab/experiments/Checkout/{name}?confidence=0.9" download>' in html


@pytest.mark.parametrize(
    "query",
    [
        "",
        "control=express&confidence=0.9",
        "method=welch&since=2026-11-05&until=2026-11-12",
        "days=7&method=bayesian",
        "by=plan&segment=paid&metric=purchase",
        "by=country&segment=DE&variant=express",
    ],
)
def test_the_notebook_finds_what_is_shown(shop_panel: Panel, query: str) -> None:
    """To the ninth digit, in a Python that has only the notebook."""
    shown = result(shop_panel, "Checkout", query)
    found = run(notebook(shop_panel, query), most=2)["result"].to_dict()
    for one, other in zip(found["metrics"], shown["metrics"], strict=True):
        assert len(numbers(other)) > 10
        assert numbers(one) == pytest.approx(numbers(other), rel=1e-9, abs=1e-12)
    assert found["not_as_planned"] == shown["not_as_planned"]


def test_every_cell_of_the_notebook_runs(shop_panel: Panel) -> None:
    names = run(notebook(shop_panel))
    assert names["data"].sql("select count(*) from exposures").fetchall() == [(3_000,)]
    assert names["charts"].cumulative is not None


def test_a_name_in_a_url_is_no_code_of_the_notebook(shop_panel: Panel) -> None:
    evil = "'); raise SystemExit #"
    found = notebook(
        shop_panel, f"metric=purchase&metric={evil.replace(' ', '+').replace('#', '%23')}"
    )
    code = ["".join(c["source"]) for c in found["cells"] if c["cell_type"] == "code"]
    assert any(evil in cell for cell in code)
    run(found, most=2)


def test_the_charts_are_pictures(shop_panel: Panel) -> None:
    answer = settled(shop_panel, "experiments/Checkout/charts.zip", "metric=purchase")
    assert answer.status is HTTPStatus.OK, answer.body.decode()
    assert answer.content_type == "application/zip"
    with ZipFile(io.BytesIO(answer.body)) as file:
        assert file.namelist() == [
            "cumulative-exposures.png",
            "over-time-1-purchase.png",
            "by-day-1-purchase.png",
            "intervals-1-purchase.png",
            "segments-1-purchase.png",
        ]
        assert all(file.read(name).startswith(PNG) for name in file.namelist())


def test_without_the_extra_it_says_which_one_is_missing(
    shop_panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    answer = settled(shop_panel, "experiments/Checkout/charts.zip")
    assert answer.status is HTTPStatus.NOT_IMPLEMENTED
    assert "abkit-sdk[charts]" in answer.body.decode()


def test_pictures_that_take_too_long_are_given_up(shop_events: Path) -> None:
    found = analysis_of(shop_events).run()
    with pytest.raises(AnalysisError, match="ask for fewer metrics"):
        zipped_pictures(found, most_time=timedelta(milliseconds=1))


def test_one_process_draws_at_a_time(shop_events: Path) -> None:
    """Who cannot wait for others is told so; these get their pictures."""
    found = analysis_of(shop_events).run()
    told: list[str] = []
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(zipped_pictures, found)
        while not first.done():
            with pytest.raises(AnalysisError) as refusal:
                zipped_pictures(found, most_time=timedelta(milliseconds=50))
            told.append(str(refusal.value))
    assert first.result().startswith(b"PK")
    assert "other charts are being drawn: ask again in a moment" in told


def test_pictures_that_fail_say_why(
    shop_events: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = analysis_of(shop_events).run()
    (tmp_path / "vl_convert.py").write_text("raise RuntimeError('no fonts here')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(AnalysisError, match="could not be drawn: RuntimeError: no fonts here"):
        zipped_pictures(found)
    monkeypatch.setattr(sys, "executable", "/usr/bin/uwsgi")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(AnalysisError, match="another Python, which cannot be started"):
        zipped_pictures(found)


def test_of_a_connection_there_is_no_notebook(shop_events: Path) -> None:
    """Only the application has it: the page says so, and the rest can be taken away."""

    def tables() -> Mapping[str, Any]:
        database = duckdb.connect()
        for name in ("exposures", "actions"):
            database.execute(f"create view {name} as from '{shop_events}/{name}/*.parquet'")
        return {"exposures": "exposures", "actions": "actions", "engine": database}

    panel = Panel(StoredSource(manager(), tables=tables))
    answer = settled(panel, "experiments/Checkout/notebook.ipynb")
    assert answer.status is HTTPStatus.CONFLICT
    assert "reads them by a connection of the application" in answer.body.decode()
    assert asked(panel, "experiments/Checkout/result.csv").status is HTTPStatus.OK
    panel.close()


def test_a_class_that_cannot_be_imported_has_no_notebook(shop_events: Path) -> None:
    class Inner(Checkout):
        name = "Checkout"
        salt = "Checkout"

    inner = ExperimentManager(strict=True)
    inner.add(Inner)
    panel = Panel(StoredSource(inner, events=str(shop_events)))
    answer = settled(panel, "experiments/Checkout/notebook.ipynb")
    assert answer.status is HTTPStatus.CONFLICT
    assert "declare it at the top of a module" in answer.body.decode()
    panel.close()
