"""`abkit analyze`: its answers, its errors, its exit codes."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from abkit.cli.analyze import analyze
from abkit.events import Action, Exposure
from abkit.sinks.files import FileSink

MODULE = '''
from abkit import Conversion, UserExperiment

class Buttons(UserExperiment):
    """Which button."""
    hypothesis = "Green is clicked more."
    variants = {"grey": 0.5, "green": 0.5}
    metrics = [Conversion("clicked", goal=0.2)]

ACTIVE_EXPERIMENTS = [Buttons]
'''


def call(*arguments: object) -> Result:
    return CliRunner().invoke(analyze, [str(argument) for argument in arguments])


@pytest.fixture
def units(tmp_path: Path) -> Path:
    path = tmp_path / "units.csv"
    rows = [f"{i},{'ab'[i % 2]},{int(i % (5 - i % 2) == 0)},{i % 7}" for i in range(1000)]
    path.write_text("\n".join(["id,v,c,x", *rows]))
    return path


@pytest.fixture
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a module of experiments, which is the current one, and its events."""
    (tmp_path / "button_config.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.delitem(sys.modules, "button_config", raising=False)
    exposures = [
        Exposure(
            experiment="Buttons",
            salt="Buttons",
            unit_type="user",
            unit_id=str(i),
            variant=("grey", "green")[i % 2],
            time=1.7e9,
            insert_id=f"e{i}",
        )
        for i in range(2000)
    ]
    actions = [
        Action(name="clicked", time=1.7e9 + 60, user_id=str(i), insert_id=f"a{i}")
        for i in range(2000)
        if i % (5 if i % 2 else 10) in {0, 1, 3}
    ]
    FileSink(tmp_path / "events", format="jsonl").send([*exposures, *actions])
    return tmp_path / "events"


def of_units(units: Path) -> list[object]:
    return ["--units", units, "--unit", "id", "--variant", "v", "--control", "a"]


def test_a_table_of_units_is_analyzed(units: Path) -> None:
    result = call(*of_units(units), "--conversion", "c", "--mean", "x")
    assert result.exit_code == 0
    assert "units.csv" in result.output
    assert "c  (conversion, decides; should increase)" in result.output
    assert "x  (mean; should increase)" in result.output
    assert "Sample ratio as designed" in result.output


def test_stored_events_are_analyzed_by_the_declaration(events: Path) -> None:
    result = call("Buttons", "--events", events, "--config", "button_config")
    assert result.exit_code == 0, result.output
    assert "Green is clicked more." in result.output
    assert "Recommendation: roll out green" in result.output


def test_json_is_all_that_is_printed(units: Path, tmp_path: Path) -> None:
    html = tmp_path / "r.html"
    result = call(*of_units(units), "--conversion", "c", "--json", "--html", html)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["metrics"][0]["control"]["units"] == 500
    assert str(html) in result.stderr
    assert html.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_method_and_confidence_are_passed_on(units: Path) -> None:
    result = call(
        *of_units(units), "--mean", "x", "--json", "--method", "welch", "--confidence", "0.9"
    )
    found = json.loads(result.stdout)
    assert (found["method"], found["confidence"]) == ("welch", 0.9)


def test_another_control_can_be_chosen(events: Path) -> None:
    arguments = ["Buttons", "--events", events, "--config", "button_config", "--json"]
    found = json.loads(call(*arguments, "--control", "green").stdout)
    assert found["metrics"][0]["control"]["variant"] == "green"


def assert_one_clear_line(result: Result, *parts: str) -> None:
    assert result.exit_code == 2
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit)
    *usage, line = result.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert "Traceback" not in result.stderr
    assert len(usage) in {0, 3}  # click adds its usage to what is wrong with the options
    for part in parts:
        assert part in line


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["0 bytes"]),
        (b"id,v,c,x\n", ["no rows"]),
        (b"id,v,x\n1,a,2\n", ["no column 'c'", "id, v, x"]),
        (bytes(range(256)) * 3, ["not text in UTF-8"]),
        (b"id,v,c,x\n1,a,0,2\n2,a,0,3\n", ["control 'a' only"]),
        (b"id,v,c,x\n1,b,0,2\n2,c,0,3\n", ["no units in the control 'a'"]),
        (b"id,v,c,x\n1,a,maybe,2\n2,b,0,3\n", ["'maybe'"]),
        (b"id,v,c,x\n1,a,0,2\n1,b,0,3\n", ["such as '1'"]),
        (b"id,v,c,x\n" + b"".join(b"%d,v%d,0,1\n" % (i, i) for i in range(1000)), ["1,000"]),
    ],
)
def test_a_wrong_table_is_one_clear_line(tmp_path: Path, content: bytes, parts: list[str]) -> None:
    path = tmp_path / "u.csv"
    path.write_bytes(content)
    assert_one_clear_line(call(*of_units(path), "--conversion", "c"), *parts)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ([], ["either --events DIR", "--units FILE"]),
        (["--units", "u.csv", "--events", "e"], ["either"]),
        (["--units", "u.csv"], ["--units needs --unit, --variant, --control"]),
        (["Name", "--units", "u.csv"], ["goes with --events"]),
        (["--events", "e"], ["the NAME of an experiment"]),
        (
            ["--units", "u.csv", "--unit", "i", "--variant", "v", "--control", "a"],
            ["--conversion COL or --mean COL"],
        ),
        (["--units", "u.csv", "--method", "magic"], ["magic"]),
    ],
)
def test_wrong_options_say_what_is_needed(arguments: list[str], parts: list[str]) -> None:
    assert_one_clear_line(call(*arguments), *parts)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    result = call(*of_units(tmp_path / "no.csv"), "--mean", "x")
    assert_one_clear_line(result, "does not exist")


def test_an_empty_directory_is_one_clear_line(tmp_path: Path) -> None:
    assert_one_clear_line(call(*of_units(tmp_path), "--mean", "x"), "has no file that ends in")


def test_an_unknown_experiment_is_answered_with_the_known_ones(events: Path) -> None:
    result = call("Button", "--events", events, "--config", "button_config")
    assert_one_clear_line(result, "No experiment named 'Button'. Did you mean 'Buttons'?")


def test_a_module_that_does_not_exist_is_one_clear_line(events: Path) -> None:
    result = call("Buttons", "--events", events, "--config", "no_such_config")
    assert_one_clear_line(result, "no_such_config")


def test_events_that_do_not_exist_are_one_clear_line(events: Path) -> None:
    result = call("Buttons", "--events", events / "nowhere", "--config", "button_config")
    assert_one_clear_line(result, "does not exist")


def test_a_report_that_cannot_be_written_is_one_clear_line(units: Path, tmp_path: Path) -> None:
    result = call(*of_units(units), "--mean", "x", "--html", tmp_path / "no" / "r.html")
    assert_one_clear_line(result, "No such file or directory")
