"""abkit why, freeze and unfreeze, as a person in a project's folder calls them."""

import json
from pathlib import Path

import pytest

from abkit.exposure.sticky.sql_store import SqlStickyStore
from abkit.exposure.sticky.store import Choice, StickyKey

from .shop_project import abkit

MODULE = """
from abkit import Holdout, OrgExperiment
from abkit.exposure.sticky.store import MemoryStickyStore

class Buttons(OrgExperiment):
    variants = {"old": 3, "new": 1}
    rollout = 0.5
    holdouts = [Holdout("q3", 0.05)]

class Kept(OrgExperiment):
    variants = ["old", "new"]
    sticky = True

ACTIVE_EXPERIMENTS = [Buttons, Kept]
store = MemoryStickyStore()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(MODULE)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.abkit]\nconfig = "shop"\nsettings = "live.toml"\nsticky_store = "sqlite:///kept.db"\n'
    )
    return tmp_path


@pytest.fixture
def kept(project: Path) -> SqlStickyStore:
    """Org 7 keeps "new"."""
    store = SqlStickyStore(f"sqlite:///{project / 'kept.db'}")
    store.set([Choice(StickyKey("Kept", "org", "7"), "new")])
    return store


def test_why_shows_each_step_and_where_it_ended(project: Path) -> None:
    shown = abkit(project, "why", "Buttons", "--unit", "2").stdout
    steps = [line.split("  ")[0] for line in shown.splitlines()]
    assert steps[:2] == ["forced here", "forced in the process"]
    assert "the hash of 'q3.holdout.2' is" in shown
    assert "org 2 gets " in shown.splitlines()[-1]
    (project / "live.toml").write_text("[Buttons]\nenabled = false\n")
    shown = abkit(project, "why", "Buttons", "--unit", "2").stdout
    assert "org 2 gets old: inactive, decided by enabled." in shown


def test_the_list_has_the_holdouts_of_each_experiment(project: Path) -> None:
    head, buttons, kept = abkit(project, "list").stdout.splitlines()
    assert head.split()[-1] == "holdouts"
    assert buttons.rstrip().endswith("q3 5%")
    assert "q3" not in kept
    (project / "shop.py").write_text(MODULE.replace('    holdouts = [Holdout("q3", 0.05)]\n', ""))
    assert "holdouts" not in abkit(project, "list").stdout


def test_a_holdout_s_name_is_shown_in_one_line(project: Path) -> None:
    (project / "shop.py").write_text(MODULE.replace('"q3", 0.05', r'"q3\nautumn", 1'))
    lines = abkit(project, "why", "Buttons", "--unit", "2").stdout.splitlines()
    assert next(line for line in lines if line.startswith("holdout q3")).endswith("below 1")
    assert lines[-1].startswith("org 2 gets old: holdout, decided by holdout q3")
    assert lines[-1].endswith("autumn.")


def test_why_as_json_has_all_numbers(project: Path) -> None:
    told = json.loads(abkit(project, "why", "Buttons", "--unit", "2", "--json").stdout)
    assert told["unit_id"] == "2"
    assert {"hashed", "hash", "bound", "place"} <= told["steps"][8]["numbers"].keys()


@pytest.mark.usefixtures("kept")
def test_why_assign_and_list_know_what_is_kept_and_frozen(project: Path) -> None:
    shown = abkit(project, "freeze", "Kept", "--yes").stdout
    assert "frozen: not set -> true" in shown
    assert "100%, frozen" in abkit(project, "list").stdout
    assert "org 7 gets new: assigned, decided by sticky." in (
        abkit(project, "why", "Kept", "--unit", "7").stdout
    )
    frozen = abkit(project, "why", "Kept", "--unit", "8").stdout
    assert "the sticky store keeps nothing for the unit" in frozen
    assert "it is frozen: nobody new is enrolled" in frozen
    assert "not_enrolled" in abkit(project, "assign", "Kept", "8").stdout
    assert "Kept is frozen" in abkit(project, "rollout", "Kept", "--share", "0.5", "--yes").stdout
    abkit(project, "unfreeze", "Kept", "--yes")
    assert "frozen" not in (project / "live.toml").read_text()


def test_what_is_declared_frozen_is_unfrozen_by_the_settings(project: Path) -> None:
    module = project / "shop.py"
    module.write_text(MODULE.replace("sticky = True", "sticky = True\n    frozen = True"))
    assert "100%, frozen" in abkit(project, "list").stdout
    abkit(project, "unfreeze", "Kept", "--yes")
    assert "frozen = false" in (project / "live.toml").read_text()
    assert "frozen" not in abkit(project, "list").stdout


def test_who_is_not_sticky_or_has_no_store_cannot_be_frozen(project: Path) -> None:
    refused = abkit(project, "freeze", "Buttons", "--yes", code=2).stderr
    assert "Buttons: cannot be frozen" in refused
    assert "declare `sticky = True`, and give the manager a sticky store" in refused
    (project / "pyproject.toml").write_text(
        '[tool.abkit]\nconfig = "shop"\nsettings = "live.toml"\n'
    )
    refused = abkit(project, "freeze", "Kept", "--yes", code=2).stderr
    assert "Where are the variants of Kept kept?" in refused
    assert "ABKIT_STICKY_STORE" in refused
    assert not (project / "live.toml").exists()


def test_check_wants_a_store_for_what_is_sticky(project: Path) -> None:
    abkit(project, "check", "--update")
    abkit(project, "check")
    (project / "pyproject.toml").write_text('[tool.abkit]\nconfig = "shop"\n')
    wrong = abkit(project, "check", code=1).stdout
    assert "wrong    Kept: is sticky, and there is no sticky store" in wrong
    abkit(project, "check", "--sticky-store", "shop:store")


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("shop:nothing", "There is no sticky store 'shop:nothing'"),
        ("nowhere:store", "No module named 'nowhere'"),
        ("kept.db", 'A sticky store is said as "redis://host:6379/0"'),
        ("oracle://me:hunter2@host/name", "MySQL or MariaDB, not in oracle"),
        ("shop:Buttons", "A sticky store is an object with get(key)"),
    ],
)
def test_a_store_that_is_none_is_refused_in_one_line(project: Path, place: str, says: str) -> None:
    refused = abkit(project, "why", "Kept", "--unit", "7", "--sticky-store", place, code=2).stderr
    assert says in refused
    assert "hunter2" not in refused
    assert len(refused.splitlines()) == 1


def test_a_store_that_is_down_is_said_by_why(project: Path) -> None:
    shown = abkit(
        project, "why", "Kept", "--unit", "7", "--sticky-store", "redis://127.0.0.1:1/0"
    ).stdout
    assert "the sticky store could not say" in shown
    assert "the hash decides" in shown
