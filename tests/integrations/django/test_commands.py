"""Django: `manage.py abkit`, which is abkit's own command line on the project's experiments."""

import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from abkit import UserExperiment
from abkit.events import Event
from abkit.exposure.sticky.store import Choice, MemoryStickyStore, StickyKey
from abkit.integrations.django.apps import abkit_app
from abkit.integrations.django.registration import Registration

from ..conftest import PROJECT


@pytest.fixture(autouse=True)
def own_folder(
    events: list[Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    setting = {"SETTINGS": tmp_path / "experiments.toml"}
    with override_settings(ABKIT=setting):
        yield tmp_path


def said(*line: str) -> str:
    out = StringIO()
    call_command("abkit", *line, stdout=out)
    return out.getvalue()


def test_list_shows_the_projects_experiments() -> None:
    assert {"ShowPlugins", "Buttons", "Ramping", "Chosen"} <= {*said("list").split()}


def test_assign_says_what_a_unit_gets() -> None:
    assert "forced" in said("assign", "Chosen", "42")


def test_rollout_and_rollback_write_the_projects_settings(own_folder: Path) -> None:
    said("rollout", "ShowPlugins", "--variant", "1", "--yes")
    assert 'winner = "1"' in (own_folder / "experiments.toml").read_text()
    assert "concluded: 1" in said("list")
    said("rollback", "ShowPlugins", "--yes")
    assert "enabled = false" in (own_folder / "experiments.toml").read_text()


def test_freeze_and_why_know_the_projects_sticky_store(own_folder: Path) -> None:
    store = MemoryStickyStore()
    sticky = type("Kept", (UserExperiment,), {"variants": ["0", "1"], "sticky": True})
    app = abkit_app()
    setting = {"SETTINGS": own_folder / "experiments.toml", "STICKY_STORE": store}
    with pytest.MonkeyPatch.context() as patch, override_settings(ABKIT=setting):
        patch.setattr(app, "registration", Registration(experiments=(sticky,)))
        store.set([Choice(StickyKey("Kept", "user", "7"), "1")])
        said("freeze", "Kept", "--yes")
        assert "frozen = true" in (own_folder / "experiments.toml").read_text()
        assert "100%, frozen" in said("list")
        assert "'1', kept by the sticky store" in said("why", "Kept", "--unit", "7")
        assert "user 8 gets 0: not_enrolled, decided by freeze." in said(
            "why", "Kept", "--unit", "8"
        )
        said("unfreeze", "Kept", "--yes")
        assert "frozen" not in said("list")
    with pytest.raises(CommandError, match="ShowPlugins: cannot be frozen"):
        said("freeze", "ShowPlugins", "--yes")


def test_check_writes_the_lock_and_compares_with_it(own_folder: Path) -> None:
    with pytest.raises(CommandError, match="no experiments.lock.json yet") as caught:
        said("check")
    assert caught.value.returncode == 2
    said("check", "--update")
    assert "4 experiments are right" in said("check")


def test_a_wrong_line_fails_as_a_command() -> None:
    for line, problem in {
        ("chek",): "No such command 'chek'",
        ("assign", "Gone", "1"): "No experiment named 'Gone'",
        ("list", "--nonsense"): "No such option",
    }.items():
        with pytest.raises(CommandError, match=problem) as caught:
            said(*line)
        assert caught.value.returncode == 2


def test_a_wrong_project_fails_as_a_command() -> None:
    with (
        override_settings(ABKIT={"SUBJECT": 1}),
        pytest.raises(CommandError, match="Did you mean 'SUBJECTS'"),
    ):
        said("list")
    assert abkit_app().problems == ()


def test_from_a_shell_djangos_own_options_are_djangos(own_folder: Path) -> None:
    def manage(*line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(PROJECT / "manage.py"), "abkit", *line],
            cwd=own_folder,
            env={**os.environ},
            capture_output=True,
            text=True,
            check=False,
        )

    ran = manage("list", "--settings", "shop.settings", f"--pythonpath={PROJECT}")
    assert ran.returncode == 0, ran.stderr
    assert "ShowPlugins" in ran.stdout
    assert "rollback" in manage("--", "--help").stdout
    assert "--variant" in manage("rollout", "--help").stdout
    ran = manage("assign", "Gone", "1")
    assert ran.returncode == 2
    assert "No experiment named 'Gone'" in ran.stderr
    assert "Traceback" not in ran.stderr
