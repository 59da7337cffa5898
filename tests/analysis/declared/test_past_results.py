"""The lifts of a team's stored results."""

import json
from collections.abc import Mapping
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from abkit import Conversion
from abkit.analysis import SumsAnalysis
from abkit.analysis.declared.past_results import past_results, read_past_results
from abkit.errors import ConfigError


def document(name: str = "Old", clicks: int = 250, **changes: Any) -> dict[str, Any]:
    """A result as JSON has it: 200 of 1,000 units of the control click."""
    metric = Conversion("click", direction=changes.pop("direction", "increase"))
    found = SumsAnalysis(
        name, sums={metric: {"a": 200, "b": clicks}}, units={"a": 1000, "b": 1000}, control="a"
    ).run()
    return {**found.to_dict(), **changes}


def stored(folder: Path, *documents: Mapping[str, Any]) -> Path:
    for number, each in enumerate(documents):
        (folder / f"{number}.json").write_text(json.dumps(each), encoding="utf-8")
    return folder


def test_a_stored_result_has_a_lift_and_its_standard_error(tmp_path: Path) -> None:
    found = read_past_results(stored(tmp_path, document()), without="New")
    ((lift,),) = found.lifts
    assert lift.metric == "click"
    assert lift.lift == pytest.approx(0.25)
    expected = sqrt(0.25 * 0.75 / 1000 + 1.25**2 * 0.2 * 0.8 / 1000) / 0.2
    assert lift.standard_error == pytest.approx(expected)
    assert found.unreadable == 0


def test_a_lift_is_above_0_where_it_was_wanted(tmp_path: Path) -> None:
    found = read_past_results(stored(tmp_path, document(direction="decrease")), without="New")
    assert found.lifts[0][0].lift == pytest.approx(-0.25)


def test_the_newest_result_of_each_experiment_and_salt_counts(tmp_path: Path) -> None:
    early, late = "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"
    folder = stored(
        tmp_path,
        document(clicks=260, made=late),
        document(clicks=250, made=early),
        document(clicks=300, made=early, salt="another"),
    )
    found = read_past_results(folder, without="New")
    assert [round(of[0].lift, 2) for of in found.lifts] == [0.3, 0.5]


def test_results_of_the_same_experiment_do_not_count(tmp_path: Path) -> None:
    folder = stored(tmp_path, document("New"), document("Old"))
    assert len(read_past_results(folder, without="New").lifts) == 1


def test_a_result_that_cannot_be_trusted_or_compared_tells_no_lift(tmp_path: Path) -> None:
    mismatch = document("Mismatch")
    mismatch["sample_ratio"]["alarm"] = True
    folder = stored(tmp_path, mismatch, document("Few", clicks=3), document("None", metrics=[]))
    found = read_past_results(folder, without="New")
    assert (found.lifts, found.unreadable) == ((), 0)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "3",
        '"a"',
        "{}",
        "[" * 100_000,
        '{"format": 2}',
        '{"format": 1, "experiment": "a"}',
    ],
)
def test_a_file_that_is_no_result_is_counted(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    assert read_past_results(tmp_path, without="New").unreadable == 1


@pytest.mark.parametrize(
    "change",
    [{"units": 0}, {"variance": -1}, {"variance": "a"}, {"variance": None}, {"mean": None}],
)
def test_a_result_with_impossible_numbers_is_no_crash(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    broken = document()
    broken["metrics"][0]["control"].update(change)
    assert read_past_results(stored(tmp_path, broken), without="New").lifts == ()


def test_the_folder_is_beside_pyproject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.abkit]\nresults = "old"\n', encoding="utf-8")
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    assert past_results("New").lifts == ()
    (tmp_path / "old" / "2026").mkdir(parents=True)
    stored(tmp_path / "old" / "2026", document())
    assert len(past_results("New").lifts) == 1


def test_a_folder_that_is_no_text_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.abkit]\nresults = 3\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="results under .tool.abkit. must be a folder, not 3"):
        past_results("New")
