"""The experiments of one request."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

import abkit
from abkit import (
    ConfigError,
    ExperimentManager,
    Holdout,
    MissingSubjectError,
    OrgExperiment,
    Reason,
    UnknownExperimentError,
    UserExperiment,
)
from abkit.events import Action, Event, Exposure
from abkit.integrations.per_request import RequestExperiments, experiments_payload

from .declared import EXPERIMENTS, ShowPlugins, manager_of


class Counted:
    """Subjects, and how often they were looked up."""

    def __init__(self, **subjects: object) -> None:
        self.subjects = subjects
        self.calls = 0

    def __call__(self) -> dict[str, object]:
        self.calls += 1
        return self.subjects


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def manager(events: list[Event]) -> ExperimentManager:
    return manager_of(events)


def test_the_payload_is_json_of_all_experiments_whose_unit_is_there(
    manager: ExperimentManager,
) -> None:
    payload = experiments_payload(manager, org=42, actor=SimpleNamespace(id=7))
    assert json.loads(json.dumps(payload)) == {
        "ShowPlugins": {
            "variant": manager.get("ShowPlugins", org=42),
            "reason": "assigned",
            "unitType": "org",
            "unitId": "42",
        },
        "Ramping": {"variant": "0", "reason": "not_enrolled", "unitType": "org", "unitId": "42"},
        "Chosen": {"variant": "1", "reason": "forced", "unitType": "org", "unitId": "42"},
        "Buttons": {
            "variant": manager.get("Buttons", user=7),
            "reason": "assigned",
            "unitType": "user",
            "unitId": "7",
        },
    }
    assert experiments_payload(manager) == {}
    assert experiments_payload(manager, org=None, user=SimpleNamespace(id=None)) == {}


def test_a_payload_of_some_experiments_says_which_were_asked_for(
    manager: ExperimentManager,
) -> None:
    everything = experiments_payload(manager, org=42)
    payload = experiments_payload(manager, only=[ShowPlugins, "Buttons"], org=42)
    assert json.loads(json.dumps(payload)) == {
        "ShowPlugins": everything["ShowPlugins"],
        "$only": {"ShowPlugins": True, "Buttons": False},
    }
    assert experiments_payload(manager, only=[], org=42) == {"$only": {}}


def test_a_wrong_name_in_a_payload_is_an_error_or_left_out_where_nothing_may_fail(
    manager: ExperimentManager, events: list[Event]
) -> None:
    with pytest.raises(UnknownExperimentError, match="Did you mean 'ShowPlugins'"):
        experiments_payload(manager, only=["ShowPlugin"], org=42)
    lenient = ExperimentManager(strict=False, on_event=events.append)
    lenient.add(ShowPlugins)
    payload = experiments_payload(lenient, only=["ShowPlugin", "ShowPlugins"], org=42)
    assert payload["$only"] == {"ShowPlugin": False, "ShowPlugins": True}
    assert lenient.errors == {("ShowPlugin", "UnknownExperimentError"): 1}


def test_an_experiment_that_fails_has_its_default_in_the_payload() -> None:
    class Fails(OrgExperiment):
        control = "0"

        def assign(self, params: Any, org: Any) -> None:
            raise ZeroDivisionError

    manager = ExperimentManager(strict=False)
    for experiment in (Fails, *EXPERIMENTS):
        manager.add(experiment)
    payload = experiments_payload(manager, org=42)
    assert payload["Fails"] == {
        "variant": "0",
        "reason": "error",
        "unitType": "org",
        "unitId": "42",
    }
    assert payload["ShowPlugins"]["reason"] == "assigned"


def test_subjects_are_looked_up_when_they_are_needed_and_once(manager: ExperimentManager) -> None:
    look_up = Counted(org=42)
    experiments = RequestExperiments(manager, look_up)
    assert look_up.calls == 0
    for _ in range(3):
        experiments.get("ShowPlugins")
        experiments.payload()
        experiments.log_exposure("ShowPlugins")
    assert look_up.calls == 1


def test_all_ways_to_ask_give_what_the_manager_gives(manager: ExperimentManager) -> None:
    experiments = RequestExperiments(manager, lambda: {"org": 42})
    expected = manager.assign("ShowPlugins", org=42)
    assert experiments.assign("ShowPlugins") == experiments.assign(ShowPlugins) == expected
    assert experiments["ShowPlugins"] == experiments[ShowPlugins] == expected.variant
    assert experiments.get("ShowPlugins") == experiments.get(ShowPlugins) == expected.variant
    assert "ShowPlugins" in repr(experiments)


def test_a_request_has_one_answer(manager: ExperimentManager) -> None:
    experiments = RequestExperiments(manager, lambda: {"org": 42})
    before = experiments["ShowPlugins"]
    manager.use_settings({"ShowPlugins": {"enabled": False}}, interval=0.0)
    assert experiments["ShowPlugins"] == before
    assert experiments.assign("ShowPlugins").reason is Reason.ASSIGNED


def test_an_exposure_is_logged_once_in_a_request(
    manager: ExperimentManager, events: list[Event]
) -> None:
    experiments = RequestExperiments(manager, lambda: {"org": 42, "actor": 7})
    experiments.log_exposure("ShowPlugins", properties={"page": "directory"})
    experiments.log_exposure(ShowPlugins)
    experiments.track("clicked", properties={"price": 2})
    exposure, action = events
    assert isinstance(exposure, Exposure)
    assert isinstance(action, Action)
    assert exposure.properties == {"page": "directory"}
    assert (action.user_id, action.properties) == ("7", {"price": 2})


def test_what_is_forced_is_forced_here_and_not_exposed(
    manager: ExperimentManager, events: list[Event]
) -> None:
    experiments = RequestExperiments(manager, lambda: {"org": 42})
    with abkit.force(ShowPlugins, "1"):
        experiments.log_exposure("ShowPlugins")
        assert experiments.payload()["ShowPlugins"]["reason"] == "forced"
    assert events == []


def test_subjects_that_are_no_dict_are_an_error(manager: ExperimentManager) -> None:
    look_up: Any = lambda: SimpleNamespace(id=7)  # noqa: E731
    with pytest.raises(ConfigError, match="must give a dict"):
        RequestExperiments(manager, look_up).payload()


def test_errors_are_the_managers(manager: ExperimentManager) -> None:
    experiments = RequestExperiments(manager, lambda: None)
    with pytest.raises(UnknownExperimentError, match="Did you mean 'ShowPlugins'"):
        experiments["ShowPlugin"]
    with pytest.raises(MissingSubjectError, match="pass org="):
        experiments["ShowPlugins"]


def of_the_session() -> dict[str, object]:
    return {"user": SimpleNamespace(id=None, is_anonymous=True), "actor": False}


def test_a_missing_subject_is_an_error_that_names_the_function_of_the_subjects(
    manager: ExperimentManager,
) -> None:
    experiments = RequestExperiments(manager, of_the_session)
    named = r"ShowPlugins: org= is missing \(.*test_per_request.of_the_session gives the subjects\)"
    for ask in (experiments.get, experiments.log_exposure):
        with pytest.raises(MissingSubjectError, match=named):
            ask("ShowPlugins")
    manager.add(type("OnUsers", (UserExperiment,), {"variants": ["0"]}))
    with pytest.raises(MissingSubjectError, match="user= is an anonymous .*of_the_session gives"):
        experiments.get("OnUsers")


def test_a_subject_that_is_no_id_is_no_anonymous_visitor(manager: ExperimentManager) -> None:
    experiments = RequestExperiments(manager, of_the_session)
    assert {**experiments.subjects} == {"actor": False}
    with pytest.raises(MissingSubjectError, match="clicked: actor= is False, a bool"):
        experiments.track("clicked")


def test_an_experiment_that_was_removed_gives_the_default(events: list[Event]) -> None:
    experiments = RequestExperiments(ExperimentManager(strict=False), lambda: {"org": 42})
    assert experiments.get("Removed", default="old") == "old"


def test_the_payload_says_which_winners_are_compared_with_a_holdout() -> None:
    manager = ExperimentManager(strict=True)
    declared: dict[str, dict[str, Any]] = {
        "Shipped": {"winner": "1", "holdouts": [Holdout("q3", 1e-9)]},
        "Off": {"winner": "1", "holdouts": [Holdout("q3", 1e-9)], "enabled": False},
        "Held": {"winner": "1", "holdouts": [Holdout("all", 1)]},
        "Won": {"winner": "1"},
    }
    for name, attributes in declared.items():
        manager.add(type(name, (OrgExperiment,), {"variants": ["0", "1"], **attributes}))
    payload = experiments_payload(manager, org=42)
    assert {name: (each["variant"], each["reason"]) for name, each in payload.items()} == {
        "Shipped": ("1", "inactive"),
        "Off": ("0", "inactive"),
        "Held": ("0", "holdout"),
        "Won": ("1", "inactive"),
    }
    assert [name for name, each in payload.items() if "exposesToHoldout" in each] == ["Shipped"]


def test_who_signs_in_within_a_request_is_its_subject_from_then_on(
    manager: ExperimentManager,
) -> None:
    session: dict[str, object] = {}
    experiments = RequestExperiments(manager, lambda: session)
    with pytest.raises(MissingSubjectError):
        experiments["ShowPlugins"]
    session["org"] = 42
    experiments.forget_subjects()
    assert experiments["ShowPlugins"] == manager.get("ShowPlugins", org=42)
