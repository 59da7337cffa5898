"""`abkit analyze`: its answers, its errors, its exit codes."""

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import split

import pytest
from click.testing import CliRunner, Result

from abkit.analysis import Analysis
from abkit.cli.analyze import analyze
from abkit.cli.rollout import rollout
from abkit.events import Action, Exposure
from abkit.sinks.files import FileSink

from .conftest import StandIn

MODULE = '''
from abkit import AnalysisPlan, Conversion, UserExperiment

class Buttons(UserExperiment):
    """Which button."""
    hypothesis = "Green is clicked more."
    variants = {"grey": 0.5, "green": 0.5}
    metrics = [Conversion("clicked", goal=0.2)]
    plan = AnalysisPlan(min_days=0)

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
def events(tmp_path: Path, stand_in: StandIn) -> Path:
    """A folder with a module of experiments, which is the current one, and its events."""
    exposures = [exposed("Buttons", i, ("grey", "green")[i % 2]) for i in range(2000)]
    clicked = [
        i for i in range(2000) if (i % 50 in {1, 9, 17, 25, 33, 41, 49} if i % 2 else i % 10 == 0)
    ]
    stand_in("button_config", MODULE)
    return stored(tmp_path, exposures, clicked)


def exposed(experiment: str, number: int, variant: str) -> Exposure:
    return Exposure(
        experiment=experiment,
        salt=experiment,
        unit_type="user",
        unit_id=str(number),
        variant=variant,
        time=1.7e9,
        insert_id=f"e{number}",
    )


def stored(folder: Path, exposures: Sequence[Exposure], clicked: Sequence[int]) -> Path:
    actions = [
        Action(name="clicked", time=1.7e9 + 60, user_id=str(i), insert_id=f"a{i}") for i in clicked
    ]
    FileSink(folder / "events", format="jsonl").send([*exposures, *actions])
    return folder / "events"


def of_units(units: Path) -> list[object]:
    return ["--units", units, "--unit", "id", "--variant", "v", "--control", "a"]


def test_a_table_of_units_is_analyzed(units: Path) -> None:
    result = call(*of_units(units), "--conversion", "c", "--mean", "x")
    assert result.exit_code == 0
    assert result.output.startswith("Units\n")
    assert "units.csv" in result.output
    assert "c  (conversion, decides; should increase)" in result.output
    assert "x  (mean, secondary; should increase)" in result.output
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


def test_segments_of_a_table_of_units_are_told(units: Path) -> None:
    result = call(*of_units(units), "--mean", "x", "--segment", "c")
    assert result.exit_code == 0, result.output
    assert "Segments" in result.output
    assert "c: 0" in result.output


def test_another_control_can_be_chosen(events: Path) -> None:
    arguments = ["Buttons", "--events", events, "--config", "button_config", "--json"]
    found = json.loads(call(*arguments, "--control", "green").stdout)
    assert found["metrics"][0]["control"]["variant"] == "green"


def test_the_verdict_names_a_command_that_works(events: Path) -> None:
    """What is printed can be pasted: it concludes the experiment in the settings."""
    arguments = ["--config", "button_config", "--settings", "settings.toml", "--yes"]
    shown = call("Buttons", "--events", events, "--config", "button_config").output
    (line,) = [line for line in shown.splitlines() if "abkit rollout" in line]
    named = split(line.partition("abkit rollout")[2])
    ran = CliRunner().invoke(rollout, [*named, *arguments])
    assert ran.exit_code == 0, ran.output
    assert 'winner = "green"' in Path("settings.toml").read_text()


def test_everything_is_written_where_it_was_asked_for(events: Path, tmp_path: Path) -> None:
    result = call(
        *(
            "Buttons",
            "--events",
            events,
            "--config",
            "button_config",
            "--html",
            tmp_path / "r.html",
        ),
        *(
            "--csv",
            tmp_path / "r.csv",
            "--png",
            tmp_path / "png",
            "--notebook",
            tmp_path / "n.ipynb",
        ),
    )
    assert result.exit_code == 0, result.output
    assert "Cumulative exposures" in (tmp_path / "r.html").read_text(encoding="utf-8")
    rows = csv.DictReader((tmp_path / "r.csv").read_text().splitlines())
    assert [row["variant"] for row in rows] == ["grey", "green"]
    assert "cumulative-exposures.png" in {path.name for path in (tmp_path / "png").iterdir()}
    for what in ("Report: ", "Table: ", "Charts: ", "Notebook: "):
        assert what in result.stderr
        assert what not in result.stdout


def run_cells(notebook: Path) -> str:
    """What the notebook's cells print, run in order by a fresh Python elsewhere."""
    code = [
        c["source"] for c in json.loads(notebook.read_text())["cells"] if c["cell_type"] == "code"
    ]
    program = "\n".join("".join(lines) for lines in code) + "\nprint(result.recommendation.action)"
    folder = notebook.parent / "elsewhere"
    folder.mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_cells_of_a_notebook_of_events_run(events: Path, tmp_path: Path) -> None:
    notebook = tmp_path / "n.ipynb"
    call("Buttons", "--events", events, "--config", "button_config", "--notebook", notebook)
    assert run_cells(notebook) == "roll out\n"


def test_the_cells_of_a_notebook_of_units_run(units: Path, tmp_path: Path) -> None:
    notebook = tmp_path / "n.ipynb"
    call(*of_units(units), "--conversion", "c", "--mean", "x", "--notebook", notebook)
    assert run_cells(notebook).strip() in {"roll out", "continue", "roll back", "investigate"}


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
        (bytes(range(256)) * 3, ["is not text"]),
        (b"id,v,c,x\n1,a,0,2\n2,a,0,3\n", ["control 'a' only"]),
        (b"id,v,c,x\n1,b,0,2\n2,c,0,3\n", ["no units in the control 'a'"]),
        (b"id,v,c,x\n1,a,maybe,2\n2,b,0,3\n", ["'maybe'"]),
        (b"id,v,c,x\n1,a,0,2\n1,b,0,3\n", ["one row per unit", "'1'"]),
        (
            b"id,v,c,x\n" + b"".join(b"%d,v%d,0,1\n" % (i, i) for i in range(1000)),
            ["more than 50 different variants"],
        ),
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
        (["--units", "u.csv"], ["--units needs --variant, --control"]),
        (["Name", "--units", "u.csv"], ["goes with --events"]),
        (["--events", "e"], ["the NAME of an experiment"]),
        (
            ["--units", "u.csv", "--unit", "i", "--variant", "v", "--control", "a"],
            ["--conversion COL or --mean COL"],
        ),
        (["--units", "u.csv", "--method", "magic"], ["magic"]),
        (["--units", "u.csv", "--cuped", "7"], ["--cuped goes with --events"]),
        (["--units", "u.csv", "--looks", "7"], ["--looks goes with --events"]),
        (["--units", "u.csv", "--from", "2026-11-02"], ["--from goes with --events"]),
        (["N", "--events", "e", "--mean", "x"], ["--mean goes with --units"]),
        (["N", "--events", "e", "--window", "soon"], ["--window", "7d, 24h or 2w"]),
        (["N", "--events", "e", "--tau", "x"], ["NAME=VALUE"]),
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


def test_a_folder_of_exposures_alone_is_analyzed(tmp_path: Path) -> None:
    """The folder of the actions comes with the first of them."""
    from abkit.analysis.reading.event_folder import stored_tables

    assert stored_tables(str(tmp_path))["actions"] == str(tmp_path / "actions")
    (tmp_path / "exposures").mkdir()
    assert stored_tables(str(tmp_path)) == {
        "exposures": str(tmp_path / "exposures"),
        "actions": None,
    }


def test_the_past_of_a_table_of_units_is_a_covariate(units: Path) -> None:
    result = call(*of_units(units), "--mean", "x", "--covariate", "x=c", "--json")
    assert result.exit_code == 0, result.output
    (metric,) = json.loads(result.output)["metrics"]
    assert metric["adjustment"]["days"] is None
    wrong = call(*of_units(units), "--mean", "x", "--covariate", "y=c")
    assert wrong.exit_code == 2
    assert "cuped names y" in wrong.output


def test_assignments_are_compared_with_exposures(events: Path) -> None:
    said = ["Buttons", "--events", events, "--config", "button_config"]
    result = call(*said, "--assignments", events / "exposures", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["exposures"]["unassigned"]["assigned"] == {
        "green": 1000,
        "grey": 1000,
    }


def test_a_dash_prints_the_rows(units: Path, tmp_path: Path) -> None:
    result = call(*of_units(units), "--mean", "x", "--csv", "-")
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert [row["variant"] for row in rows] == ["a", "b"]
    assert not Path("-").exists()
    for arguments, message in (
        (["--csv", "-", "--json"], "both print"),
        (["--html", "-"], "--html needs the name of a file"),
    ):
        assert_one_clear_line(call(*of_units(units), "--mean", "x", *arguments), message)


def test_shares_and_no_ids_are_told_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "u.csv"
    path.write_text("v,x\n" + "a,1\n" * 90 + "b,2\n" * 10)
    arguments = ["--units", path, "--variant", "v", "--control", "a", "--mean", "x"]
    assert "Sample ratio not known" in call(*arguments).output
    told = call(*arguments, "--weights", "a=0.9", "--weights", "b=0.1")
    assert "Sample ratio as designed" in told.output
    wrong = call(*arguments, "--weights", "a=most")
    assert_one_clear_line(wrong, "--weights a=most: 'most' is no number")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--correction", "bh"], "Did you mean 'benjamini-hochberg'?"),
        (["--alternative", "greater"], "Did you mean 'one-sided'"),
        (["--several", "exlude"], "Did you mean 'exclude'?"),
    ],
)
def test_another_word_is_answered_with_the_one_that_was_meant(
    units: Path, arguments: list[str], hint: str
) -> None:
    assert_one_clear_line(call(*of_units(units), "--mean", "x", *arguments), hint)


def test_another_command_is_answered_with_the_one_that_was_meant() -> None:
    from click.testing import CliRunner

    from abkit.cli.group import abkit

    result = CliRunner().invoke(abkit, ["analyse"])
    assert result.exit_code == 2
    assert "No such command 'analyse'. Did you mean 'analyze'?" in result.stderr


HOLDOUT_MODULE = """
from abkit import Conversion, Holdout, UserExperiment

Q3 = Holdout("2026-q3", 0.5, metrics=[Conversion("clicked")], hypothesis="All of it helps.")

class Buttons(UserExperiment):
    variants = ["grey", "green"]
    holdouts = [Q3]

class Colours(Buttons):
    pass

ACTIVE_EXPERIMENTS = [Buttons, Colours]
"""


@pytest.fixture
def holdout_events(tmp_path: Path, stand_in: StandIn) -> Path:
    """As `events`, of a holdout."""
    exposures = [exposed("2026-q3", i, ("holdout", "shipped")[i % 2]) for i in range(1000)]
    clicked = [i for i in range(1000) if i % (2 + 3 * (1 - i % 2)) == 0]
    stand_in("holdout_config", HOLDOUT_MODULE)
    return stored(tmp_path, exposures, clicked)


def test_a_holdout_is_measured(holdout_events: Path, tmp_path: Path) -> None:
    config = ["--events", holdout_events, "--config", "holdout_config"]
    result = call("--holdout", "2026-q3", *config, "--notebook", tmp_path / "n.ipynb")
    assert result.exit_code == 0, result.output
    assert "All of it helps." in result.output
    assert "all that was shipped by Buttons, Colours, against the units" in result.output
    assert "holdout (control)" in result.output
    code = "".join(json.loads((tmp_path / "n.ipynb").read_text())["cells"][1]["source"])
    namespace: dict[str, object] = {}
    exec(code, namespace)  # noqa: S102 - the notebook's own code
    analysis = namespace["analysis"]
    assert isinstance(analysis, Analysis)
    assert analysis.run().units == 1000


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["Buttons", "--holdout", "2026-q3"], "give either NAME (Buttons) or --holdout"),
        (["--holdout", "2026-q4"], "Did you mean '2026-q3'?"),
        (["--holdout", "2026-q3", "--unit-type", "org"], "randomize user, and none of them org"),
        (["2026-q3"], "'2026-q3' is a holdout, not an experiment; measure it with --holdout"),
        (["Button"], "No experiment named 'Button'. Did you mean 'Buttons'?"),
        (["Buttons", "--unit-type", "user"], "--unit-type goes with --holdout"),
        ([], "--events needs the NAME of an experiment, or --holdout NAME"),
    ],
)
def test_a_call_that_names_no_holdout_is_answered_in_words(
    holdout_events: Path, arguments: list[str], says: str
) -> None:
    result = call(*arguments, "--events", holdout_events, "--config", "holdout_config")
    assert result.exit_code != 0
    assert says in " ".join(result.output.split())


def test_a_holdout_is_none_of_a_table_of_units(units: Path) -> None:
    result = call(*of_units(units), "--conversion", "c", "--holdout", "2026-q3")
    assert result.exit_code == 2
    assert "--holdout goes with --events" in result.output


def test_what_becomes_of_missing_values_is_said_for_all_metrics_or_for_one(units: Path) -> None:
    units.write_text(units.read_text() + "\n1001,a,,\n1002,b,1,")
    notebook = units.parent / "n.ipynb"
    told = call(
        *("--units", units, "--variant", "v", "--control", "a", "--conversion", "c", "--mean", "x"),
        *("--missing", "zero", "--missing", "x=drop", "--notebook", notebook),
    )
    assert told.exit_code == 0, told.output
    assert "Missing: 1 unit without a value, counted as 0 (a 1, b 0)." in told.output
    assert "Missing: 2 units without a value, left out of this metric (a 1, b 1)." in told.output
    source = "".join("".join(cell["source"]) for cell in json.loads(notebook.read_text())["cells"])
    assert "metrics = [Conversion('c', missing='zero'), Mean('x', missing='drop')]" in source


@pytest.mark.parametrize(
    ("said", "says"),
    [("drpo", "Did you mean 'drop'?"), ("xx=drop", "--missing names 'xx'")],
)
def test_a_wrong_word_for_missing_values_is_refused(units: Path, said: str, says: str) -> None:
    told = call(
        *("--units", units, "--variant", "v", "--control", "a", "--mean", "x", "--missing", said)
    )
    assert told.exit_code == 2
    assert says in told.output


def test_a_covariate_of_events_that_no_exposure_has_is_refused(events: Path) -> None:
    said = ["Buttons", "--events", events, "--config", "button_config", "--cuped", "7"]
    wrong = call(*said, "--covariate", "nothing such")
    assert wrong.exit_code == 2
    assert "has a property 'nothing such'" in wrong.output
    assert "A covariate needs one" in wrong.output


def test_a_limit_of_memory_changes_no_number(events: Path, units: Path) -> None:
    of_events = ["Buttons", "--events", events, "--config", "button_config", "--csv", "-"]
    for asked in (of_events, [*of_units(units), "--conversion", "c", "--csv", "-"]):
        limited = call(*asked, "--memory-limit", "200MB")
        assert limited.exit_code == 0, limited.output
        assert limited.output == call(*asked).output
        assert_one_clear_line(call(*asked, "--memory-limit", "some"), 'a size such as "4GB"')


TWO = MODULE.replace(
    "ACTIVE_EXPERIMENTS = [Buttons]",
    """class Hidden(UserExperiment):
    variants = ["off", "on"]
    metrics = [Conversion("clicked")]

ACTIVE_EXPERIMENTS = [Hidden, Buttons]
""",
)


def test_all_experiments_are_analyzed_and_one_that_fails_holds_up_no_other(
    events: Path, stand_in: StandIn
) -> None:
    stand_in("two_config", TWO)
    asked = ["--all", "--events", events, "--config", "two_config"]
    result = call(*asked)
    assert result.exit_code == 1
    assert "Hidden: " in result.output
    assert "has no exposure of 'Hidden'; it has those of Buttons" in result.output
    assert "Recommendation: roll out green" in result.output
    kept = events / "store.duckdb"
    (found,) = json.loads(call(*asked, "--json", "--store", kept).stdout).values()
    assert found["experiment"] == "Buttons"
    assert kept.exists()
    again = call("Buttons", "--events", events, "--config", "two_config", "--store", kept)
    assert "Recommendation: roll out green" in again.output


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (["Buttons"], "NAME goes without --all"),
        (["--html", "report.html"], "--html goes without --all"),
        (["--memory-limit", "1GB"], "--memory-limit goes without --all"),
    ],
)
def test_what_is_of_one_experiment_goes_without_all(
    events: Path, more: list[str], problem: str
) -> None:
    result = call("--all", "--events", events, "--config", "button_config", *more)
    assert result.exit_code == 2
    assert problem in result.output
