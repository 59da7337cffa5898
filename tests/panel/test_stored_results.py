"""Results that were stored before."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.panel.asking import page
from tests.panel.shop import analysis_of, manager

from abkit.errors import ConfigError
from abkit.panel import Panel, StoredSource
from abkit.panel.stored_results import stored_result, stored_results


@pytest.fixture(scope="module")
def document(shop_events: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(analysis_of(shop_events).run().to_dict()))
    return found


def store(folder: Path, name: str, document: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(document))


def test_a_stored_result_is_told_in_a_few_words(document: dict[str, Any]) -> None:
    told = stored_result(document, file="one.json")
    assert (told.experiment, told.units, told.metric) == ("Checkout", 3000, "purchase")
    assert (told.variant, told.recommendation) == ("express", "roll out express")
    (express,) = (t for t in document["metrics"][0]["treatments"] if t["variant"] == "express")
    lift = express["comparison"]["lift"]
    assert told.lift == f"{lift:+.2%}"
    assert told.confidence == "95%"
    assert told.interval.startswith("+")


def test_an_interval_that_is_open_is_told_so(document: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(document))
    for treatment in changed["metrics"][0]["treatments"]:
        treatment["comparison"]["lift_interval"] = {"low": 0.1, "high": None}
    assert stored_result(changed, file="one.json").interval == "+10.00% to +∞"


def test_those_of_the_experiment_stand_the_newest_first(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    store(tmp_path, "new.json", {**document, "made": "2026-11-20T09:00:00+00:00"})
    store(tmp_path / "older", "old.json", {**document, "made": "2026-11-10T09:00:00+00:00"})
    store(tmp_path, "other.json", {**document, "experiment": "Banner"})
    store(tmp_path, "none.json", {"format": 1})
    (tmp_path / "torn.json").write_text("{")
    found = stored_results(tmp_path, "Checkout")
    assert [each.file for each in found.found] == ["new.json", "older/old.json"]
    assert found.unreadable == ("none.json", "torn.json")


def test_a_file_that_changes_is_read_again(tmp_path: Path, document: dict[str, Any]) -> None:
    store(tmp_path, "one.json", {**document, "units": 1})
    assert stored_results(tmp_path, "Checkout").found[0].units == 1
    store(tmp_path, "one.json", {**document, "units": 20_000})
    assert stored_results(tmp_path, "Checkout").found[0].units == 20_000


@pytest.mark.parametrize(
    "changes", [{"format": 2}, {"made": "soon"}, {"metrics": [{}]}, {"recommendation": None}]
)
def test_what_is_no_result_says_so(document: dict[str, Any], changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"one\.json is no result of `abkit analyze --json`"):
        stored_result({**document, **changes}, file="one.json")


def test_the_history_shows_them(
    tmp_path: Path, shop_events: Path, document: dict[str, Any]
) -> None:
    store(
        tmp_path, "monday.json", {**document, "not_as_planned": ["confidence 0.9 instead of 0.95"]}
    )
    store(tmp_path, "torn.json", [])
    panel = Panel(StoredSource(manager(), events=str(shop_events)), results=tmp_path)
    html = page(panel, "experiments/Checkout/history/")
    panel.close()
    assert "Roll out express" in html
    assert "monday.<wbr>json" in html
    assert "Not as planned: confidence 0.9 instead of 0.95" in html
    assert "1 file in" in html


def test_the_history_says_where_none_would_be(tmp_path: Path, shop_events: Path) -> None:
    panel = Panel(StoredSource(manager(), events=str(shop_events)), results=tmp_path / "nowhere")
    assert "There is no folder" in page(panel, "experiments/Checkout/history/")
    panel.close()
    panel = Panel(StoredSource(manager(), events=str(shop_events)), results=tmp_path)
    assert "No result of this experiment is stored in" in page(
        panel, "experiments/Checkout/history/"
    )
    panel.close()
