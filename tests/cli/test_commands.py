"""The commands about experiments, as a person in a project's folder calls them."""

import json
from pathlib import Path

import pytest

from abkit.events import Action
from abkit.sinks.files import FileSink

from .shop_project import abkit, shop_project

MODULE = """
from abkit import Conversion, OrgExperiment, UserExperiment

class Buttons(OrgExperiment):
    variants = {"old": 3, "new": 1}
    metrics = [Conversion("clicked")]

class Colours(UserExperiment):
    variants = ["red", "blue"]
    rollout = 0.5

ACTIVE_EXPERIMENTS = [Buttons, Colours]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return shop_project(tmp_path, MODULE)


def test_list_shows_what_is_declared_and_in_force(project: Path) -> None:
    (project / "live.toml").write_text('[Buttons]\nwinner = "new"\n')
    shown = abkit(project, "list").stdout
    assert "old 75%, new 25%" in shown
    assert "concluded: new" in shown
    assert "Colours" in shown
    assert "50%" in shown


def test_assign_shows_variant_and_reason(project: Path) -> None:
    shown = abkit(project, "assign", "Colours", "1", "2", "3").stdout.splitlines()
    assert len(shown) == 4
    assert all("assigned" in line or "not_enrolled" in line for line in shown[1:])


def test_simulate_shows_the_split(project: Path) -> None:
    shown = abkit(project, "simulate", "Colours", "--units", "2000").stdout
    assert "(not_enrolled)" in shown
    assert "█" in shown


def test_check_writes_the_lock_and_then_says_what_a_change_moves(project: Path) -> None:
    assert "Write it, and commit it" in abkit(project, "check", code=2).stderr
    assert "holds 2 experiments" in abkit(project, "check", "--update").stdout
    assert "as written down" in abkit(project, "check").stdout
    module = project / "shop" / "experiments.py"
    module.write_text(MODULE.replace('{"old": 3, "new": 1}', '{"old": 1, "new": 1}'))
    shown = abkit(project, "check", code=1).stdout
    assert "changed  Buttons: variants" in shown
    assert "% of enrolled units to another variant" in shown
    abkit(project, "check", "--update")
    abkit(project, "check")


def test_check_lists_what_is_wrong(project: Path) -> None:
    module = project / "shop" / "experiments.py"
    module.write_text(MODULE.replace("rollout = 0.5", 'salt = "Buttons"\n    unit_type = "org"'))
    shown = abkit(project, "check", "--update", code=1).stdout
    assert "wrong    Buttons and Colours: have one salt" in shown
    assert "experiments.lock.json is not written" in shown
    module.write_text(MODULE.replace("rollout = 0.5", "rollout = 5"))
    assert "share from 0 to 1" in abkit(project, "check", code=2).stderr
    module.write_text(MODULE)
    (project / "live.toml").write_text('[Buttons]\nwinner = "green"\n')
    assert "wrong    the settings of Buttons" in abkit(project, "check", code=1).stdout


def test_an_end_that_has_passed_turns_no_build_red(project: Path) -> None:
    module = project / "shop" / "experiments.py"
    module.write_text(MODULE.replace("rollout = 0.5", 'ends = "2020-01-01"'))
    for arguments, says in (
        (("--update",), "holds 2 experiments"),
        ((), "2 experiments are right"),
    ):
        shown = abkit(project, "check", *arguments).stdout
        assert "notice   Colours: ended on 2020-01-01 and is still active" in shown
        assert says in shown
    assert "Colours" in json.loads((project / "experiments.lock.json").read_text())["experiments"]


def test_rollout_and_rollback_show_ask_and_write(project: Path) -> None:
    live = project / "live.toml"
    live.write_text("# kept\n[Colours]\nrollout = 0.75 # meant\n")
    asked = abkit(project, "rollout", "Buttons", "--variant", "new", text="n\n", code=1)
    assert "winner: not set -> new" in asked.stdout
    assert "Buttons" not in live.read_text()
    abkit(project, "rollout", "Buttons", "--variant", "new", text="y\n")
    assert "new" in abkit(project, "assign", "Buttons", "1").stdout
    abkit(project, "rollback", "Buttons", "--yes")
    assert "inactive" in abkit(project, "assign", "Buttons", "1").stdout
    assert (
        "enabled: false -> true"
        in abkit(project, "rollout", "Buttons", "--share", "0.5", "--yes").stdout
    )
    assert (
        "nothing changes" in abkit(project, "rollout", "Buttons", "--share", "0.5", "--yes").stdout
    )
    assert live.read_text().startswith("# kept\n[Colours]\nrollout = 0.75 # meant\n")


def test_a_rollout_says_that_a_holdout_keeps_units_out_of_it(project: Path) -> None:
    module = project / "shop" / "experiments.py"
    module.write_text(
        MODULE.replace("import Conversion,", "import Conversion, Holdout,").replace(
            "rollout = 0.5", 'holdouts = [Holdout("2026-q3", 1)]'
        )
    )
    told = abkit(project, "rollout", "Colours", "--variant", "blue", "--yes").stdout
    assert "Units of the holdout 2026-q3 keep the default until it ends." in told
    assert "holdout" in abkit(project, "assign", "Colours", "1").stdout


def test_rollout_writes_json_too(project: Path) -> None:
    abkit(project, "rollout", "Buttons", "--variant", "new", "--settings", "live.json", "--yes")
    assert json.loads((project / "live.json").read_text()) == {
        "Buttons": {"enabled": True, "winner": "new"}
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("assign", "Nothing", "1"), "No experiment named 'Nothing'"),
        (("assign", "Button", "1"), "Did you mean 'Buttons'"),
        (("list", "--config", "nowhere"), "no module 'nowhere'"),
        (("list", "--config", "json"), "must have a list ACTIVE_EXPERIMENTS"),
        (("rollout", "Buttons"), "give either --variant"),
        (("rollout", "Buttons", "--variant", "green"), "has the variants 'old', 'new'"),
        (("rollout", "Buttons", "--share", "7"), "share from 0 to 1"),
        (("rollback", "Nothing"), "No experiment named"),
        (("list", "--settings", "live.yaml"), ".toml or .json"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(
    project: Path, arguments: tuple[str, ...], says: str
) -> None:
    assert says in abkit(project, *arguments, code=2).stderr


def test_without_a_configuration_it_says_how_to_give_one(tmp_path: Path) -> None:
    assert "--config your.module" in abkit(tmp_path, "list", code=2).stderr
    (tmp_path / "pyproject.toml").write_text("[tool")
    assert "cannot be read" in abkit(tmp_path, "list", code=2).stderr


@pytest.mark.parametrize(
    "path", ["./shop/experiments.py", "shop/experiments.py", "shop/experiments"]
)
def test_the_module_can_be_given_as_the_path_of_its_file(project: Path, path: str) -> None:
    if path.endswith("experiments"):
        (project / "shop" / "experiments.py").rename(project / "shop" / "other.py")
        (project / "shop" / "experiments").mkdir()
        (project / "shop" / "experiments" / "__init__.py").write_text(MODULE)
    assert "Buttons" in abkit(project, "list", "--config", path).stdout


def test_a_path_that_is_no_module_is_refused_with_what_would_be_right(project: Path) -> None:
    (project / "my-exp.py").write_text(MODULE)
    for path in ("./my-exp.py", "../"):
        ran = abkit(project, "list", "--config", path, code=2)
        assert "--config takes a module such as your.module" in ran.stderr
    assert "There is no ./gone.py" in abkit(project, "list", "--config", "./gone.py", code=2).stderr


def test_check_tells_metrics_that_are_unlike_those_of_the_catalogue(project: Path) -> None:
    module = MODULE.replace(
        "ACTIVE_EXPERIMENTS", 'METRICS = [Conversion("clicked", times=2)]\nACTIVE_EXPERIMENTS'
    )
    (project / "shop" / "experiments.py").write_text(module)
    told = abkit(project, "check", "--update").stdout
    assert "notice   Buttons: defines 'clicked' otherwise than METRICS of shop.experiments" in told


CATALOGUE = """
from abkit import Conversion, Mean, OrgExperiment, Sum, UserExperiment

METRICS = [Conversion("clicked", goal=0.02), Sum("revenue", action="bought", property="price")]

class Buttons(OrgExperiment):
    variants = ["old", "new"]
    metrics = ["clicked"]

class Colours(UserExperiment):
    variants = ["red", "blue"]
    metrics = ["clicked", Conversion("bought", role="guardrail")]

ACTIVE_EXPERIMENTS = [Buttons, Colours]
"""


@pytest.fixture
def catalogue(project: Path) -> Path:
    """A project with a catalogue, and what 40 users of 8 organizations did in 20 days."""
    (project / "shop" / "experiments.py").write_text(CATALOGUE)
    done = [
        Action(
            name="clicked" if number % 4 else "visited",
            time=1.7e9 + 43_200 * number,
            user_id=str(number),
            groups={"org": str(number % 8)},
            insert_id=f"a{number}",
        )
        for number in range(40)
    ]
    FileSink(project / "events").send(done)
    return project


def test_metrics_are_listed_with_what_they_measure_and_who_uses_them(catalogue: Path) -> None:
    told = abkit(catalogue, "metrics").stdout
    for words in (
        "share of units that do 'clicked'",
        "Buttons: primary, by org",
        "Colours: primary, by user",
        "no experiment",
        "(not in the catalogue)",
        "Colours: guardrail, by user",
    ):
        assert words in told
    assert "deviation" not in told


def test_metrics_are_measured_by_the_units_of_their_experiments(catalogue: Path) -> None:
    told = abkit(catalogue, "metrics", "--events", "events").stdout
    assert [line.split()[:4] for line in told.splitlines() if "%" in line and "±" in line] == [
        ["clicked", "org", "75.00%", "43.30%"],
        ["clicked", "user", "75.00%", "43.30%"],
    ]
    assert "revenue (by org) is 0 for all units: is the action tracked?" in told
    document = json.loads(abkit(catalogue, "metrics", "--events", "events", "--json").stdout)
    assert [each["in_catalogue"] for each in document["metrics"]] == [True, True, False]
    assert document["metrics"][0]["experiments"][1] == {
        "experiment": "Colours",
        "unit_type": "user",
        "role": "primary",
    }
    of_users = document["observed"]["metrics"][1]
    assert (of_users["unit_type"], of_users["mean"], of_users["units"]) == ("user", 0.75, 40)


def test_a_project_without_metrics_is_told_how_to_declare_some(project: Path) -> None:
    module = project / "shop" / "experiments.py"
    module.write_text(MODULE.replace('metrics = [Conversion("clicked")]', ""))
    assert "declare METRICS = [...]" in abkit(project, "metrics", code=2).stderr
