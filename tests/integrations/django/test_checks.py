"""Django: `manage.py check`, and how experiments are found."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import fsspec  # type: ignore[import-untyped]
import pytest
from django.apps import apps
from django.core import checks
from django.core.checks import CheckMessage, run_checks
from django.test import override_settings

from abkit import OrgExperiment, VisitorExperiment, expt_manager
from abkit.events import Event
from abkit.experiments.checking.lock import LOCK_FILE, write_lock
from abkit.integrations.django.apps import abkit_app

from ..conftest import PROJECT

SUBJECTS = {"SUBJECTS": "shop.subjects.of"}


@pytest.fixture(autouse=True)
def own_folder(
    events: list[Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """With a lock of the project's experiments."""
    monkeypatch.chdir(tmp_path)
    write_lock(Path(LOCK_FILE), abkit_app().experiments)
    yield tmp_path
    abkit_app().registration = type(abkit_app().registration)()


def found() -> list[CheckMessage]:
    return run_checks(tags=["abkit"])


def start(setting: Any) -> list[CheckMessage]:
    """Start the project anew under a setting."""
    with override_settings(ABKIT=setting):
        expt_manager.clear()
        abkit_app().ready()
        expt_manager.on_event = print
        return found()


def module_of(monkeypatch: pytest.MonkeyPatch, *experiments: Any) -> str:
    module = ModuleType("wrong_experiments")
    module.ACTIVE_EXPERIMENTS = [*experiments]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wrong_experiments", module)
    return "wrong_experiments"


def test_a_project_that_is_right_has_nothing_to_say() -> None:
    assert found() == []


def test_the_setting_is_checked() -> None:
    (error,) = start({**SUBJECTS, "SETTING": "a.toml"})
    assert (error.id, error.is_serious()) == ("abkit.E001", True)
    assert error.hint is not None
    assert error.hint.startswith("Did you mean 'SETTINGS'?")


def test_a_module_that_is_not_there_is_an_error() -> None:
    (error,) = start({"EXPERIMENTS": "nowhere.experiments"})
    assert error.id == "abkit.E002"
    assert "There is no module 'nowhere.experiments'" in error.msg


def test_a_module_without_the_list_is_an_error_if_it_is_named() -> None:
    (error,) = start({"EXPERIMENTS": "json"})
    assert "must have a list ACTIVE_EXPERIMENTS" in error.msg


def test_two_experiments_of_one_name_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class One(OrgExperiment):
        variants = ["0", "1"]

    class Other(OrgExperiment):
        name = "One"
        variants = ["0", "1"]

    errors = start({"EXPERIMENTS": module_of(monkeypatch, One, Other)})
    assert [error.id for error in errors if error.is_serious()] == ["abkit.E002"]


def test_what_abkit_check_calls_wrong_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    class One(OrgExperiment):
        variants = ["0", "1"]

    class Other(OrgExperiment):
        salt = "One"
        variants = ["0", "1"]

    Path(LOCK_FILE).unlink()
    warning, info = start({"EXPERIMENTS": module_of(monkeypatch, One, Other)})
    assert warning.id == "abkit.W001"
    assert "have one salt" in warning.msg
    assert info.id == "abkit.I001"
    assert not warning.is_serious()


def test_an_end_that_has_passed_makes_no_build_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    class Over(OrgExperiment):
        variants = ["0", "1"]
        ends = "2020-01-01"

    write_lock(Path(LOCK_FILE), [Over])
    (info,) = start({"EXPERIMENTS": module_of(monkeypatch, Over)})
    assert (info.id, info.level) == ("abkit.I002", checks.INFO)
    assert "ended on 2020-01-01" in info.msg


@pytest.mark.parametrize(
    ("text", "said"),
    [("[Gone]\nenabled = false", "Gone, which is not active"), ("[", "is no TOML")],
)
def test_the_settings_are_checked(text: str, said: str) -> None:
    Path("experiments.toml").write_text(text)
    (warning,) = start({**SUBJECTS, "SETTINGS": "experiments.toml"})
    assert warning.id == "abkit.W001"
    assert said in warning.msg


def test_the_settings_are_in_force() -> None:
    Path("experiments.toml").write_text('[ShowPlugins]\nwinner = "1"')
    assert start({**SUBJECTS, "SETTINGS": "experiments.toml"}) == []
    assert expt_manager.declaration("ShowPlugins").winner == "1"


def test_settings_at_a_url_are_checked_too() -> None:
    url = "memory://shop/experiments.toml"
    fsspec.filesystem("memory").pipe(url, b"[ShowPlugin]\nenabled = false")
    (warning,) = start({**SUBJECTS, "SETTINGS": url})
    assert warning.id == "abkit.W001"
    assert "ShowPlugin" in warning.msg


def test_what_differs_from_the_lock_is_a_warning() -> None:
    lock = json.loads(Path(LOCK_FILE).read_text())
    lock["experiments"]["Buttons"]["salt"] = "another"
    Path(LOCK_FILE).write_text(json.dumps(lock))
    (warning,) = found()
    assert warning.id == "abkit.W002"
    assert warning.msg.startswith("Buttons: salt")
    Path(LOCK_FILE).write_text("[]")
    (warning,) = found()
    assert warning.id == "abkit.W002"


def test_an_experiments_module_without_the_list_is_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(sys.modules["shop.experiments"], "ACTIVE_EXPERIMENTS")
    (warning,) = start(SUBJECTS)
    assert warning.id == "abkit.W003"
    assert "shop.experiments has no ACTIVE_EXPERIMENTS" in warning.msg


def test_events_that_go_nowhere_are_a_warning() -> None:
    expt_manager.on_event = None
    (warning,) = found()
    assert warning.id == "abkit.W004"


def test_forcing_needs_the_middleware_in_its_place() -> None:
    from django.conf import settings

    own = [each for each in settings.MIDDLEWARE if "abkit" in each]
    others = [each for each in settings.MIDDLEWARE if "abkit" not in each]
    for middleware in (others, own + others):
        with override_settings(MIDDLEWARE=middleware):
            (warning,) = found()
            assert warning.id == "abkit.W005"
    with override_settings(MIDDLEWARE=others, ABKIT=SUBJECTS):
        assert found() == []


def test_visitors_need_the_middleware_and_no_sticky_store(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    class Signup(VisitorExperiment):
        variants = ["form", "github"]
        sticky = True

    write_lock(Path(LOCK_FILE), [Signup])
    named = {**SUBJECTS, "EXPERIMENTS": module_of(monkeypatch, Signup)}
    assert start(named) == []
    others = [each for each in settings.MIDDLEWARE if "abkit" not in each]
    with override_settings(MIDDLEWARE=others):
        (warning,) = start(named)
    assert warning.id == "abkit.W005"
    assert warning.msg.startswith("Signup: no visitor is enrolled")


def test_an_experiment_that_is_registered_already_is_left_as_it_is() -> None:
    before = expt_manager.declaration("ShowPlugins")
    abkit_app().ready()
    assert expt_manager.declaration("ShowPlugins") is before
    assert apps.is_installed("abkit.integrations.django")


def manage(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_manage_py_says_it(own_folder: Path) -> None:
    ran = manage("check", folder=own_folder)
    assert (ran.returncode, ran.stdout) == (0, "System check identified no issues (0 silenced).\n")
    (own_folder / "bad_settings.py").write_text(
        "from shop.settings import *\nABKIT = {'EXPERIMENTS': 'bad', 'ONEVENT': 1}\n"
    )
    (own_folder / "bad.py").write_text(
        "import abkit\nclass Bad(abkit.OrgExperiment):\n    variants = {}\nACTIVE_EXPERIMENTS = [Bad]\n"
    )
    path = os.pathsep.join([str(own_folder), str(PROJECT)])
    ran = manage("check", folder=own_folder, DJANGO_SETTINGS_MODULE="bad_settings", PYTHONPATH=path)
    assert ran.returncode == 1
    assert "ABKIT has an unknown key 'ONEVENT'" in ran.stderr
    assert "HINT: Did you mean 'ON_EVENT'?" in ran.stderr
    assert "bad: Bad: `variants` is empty" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_sticky_experiment_wants_a_store_which_the_setting_can_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Kept(OrgExperiment):
        variants = ["0", "1"]
        sticky = True

    write_lock(Path(LOCK_FILE), [Kept])
    named = {**SUBJECTS, "EXPERIMENTS": module_of(monkeypatch, Kept)}
    (warning,) = start(named)
    assert warning.id == "abkit.W001"
    assert 'name one in ABKIT["STICKY_STORE"]' in warning.msg
    assert start({**named, "STICKY_STORE": "sqlite:///kept.db"}) == []
    assert expt_manager.sticky is not None
    expt_manager.log_exposure(Kept, org=1, actor=1)
    assert expt_manager.sticky.flush()
    assert Path("kept.db").exists()
