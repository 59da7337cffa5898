"""The manager: what the application asks, and what it gets when something goes wrong."""

import copy
import json
import logging
import pickle
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial, wraps
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import (
    Action,
    BernoulliTrial,
    ConfigError,
    DeclarationError,
    DuplicateExperimentError,
    Experiment,
    ExperimentManager,
    Exposure,
    Holdout,
    Layer,
    MissingSubjectError,
    OrgExperiment,
    Params,
    Reason,
    Run,
    UniformChoice,
    UnknownExperimentError,
    UserExperiment,
    WeightedChoice,
    force,
)
from abkit.exposure.logger import ExposureLogger
from abkit.sinks.memory import MemorySink

from .threads import at_once

ORG = SimpleNamespace(id=42, slug="initech")
ACME = SimpleNamespace(id=7, slug="acme")
USER = SimpleNamespace(id=3)


class ShowPlugins(OrgExperiment):
    """The class of the document that the project was started from."""

    def default_value(self) -> str:
        return "0"

    def assign(self, params: Params, org: Any, actor: Any) -> None:
        if org.slug == "acme":
            params.variant = "1"
        else:
            params.variant = WeightedChoice(choices=["0", "1"], weights=[0.5, 0.5], unit=org.id)


class Declared(OrgExperiment):
    variants = {"0": 0.5, "1": 0.5}


class OnUsers(UserExperiment):
    variants = ["a", "b", "c"]


class Failing(OrgExperiment):
    variants = {"0": 1}

    def assign(self, params: Params, org: Any) -> None:
        raise ZeroDivisionError


class Recorder(list[Any]):
    """Takes events as an ExposureLogger does."""

    __call__ = list.append


@pytest.fixture
def events() -> Recorder:
    return Recorder()


@pytest.fixture
def lenient(events: Recorder) -> ExperimentManager:
    """A manager as it is in production."""
    return ExperimentManager(on_event=events, strict=False, clock=lambda: 1000.0)


def test_the_class_of_the_document_and_the_declared_one_assign_alike(
    manager: ExperimentManager,
) -> None:
    class Twin(OrgExperiment):
        variants = {"0": 0.5, "1": 0.5}
        salt = "ShowPlugins"

    manager.add(ShowPlugins)
    manager.add(Twin)
    for i in range(500):
        org = SimpleNamespace(id=i, slug="x")
        assert manager.get("ShowPlugins", org=org, actor=USER) == manager.get("Twin", org=i)


def test_get_takes_the_class_as_well_as_the_name(manager: ExperimentManager) -> None:
    manager.add(Declared)
    assert manager.get(Declared, org=ORG) == manager.get("Declared", org=42) in {"0", "1"}


def test_the_assignment_tells_all(manager: ExperimentManager) -> None:
    manager.add(ShowPlugins)
    assignment = manager.assign("ShowPlugins", org=ORG, actor=USER)
    assert assignment.experiment == "ShowPlugins"
    assert (assignment.unit_type, assignment.unit_id) == ("org", "42")
    assert assignment.reason is Reason.ASSIGNED
    assert assignment.params == {"variant": assignment.variant}


def test_a_variant_that_the_code_gives_without_randomizing_is_forced(
    manager: ExperimentManager,
) -> None:
    manager.add(ShowPlugins)
    assignment = manager.assign("ShowPlugins", org=ACME, actor=USER)
    assert (assignment.variant, assignment.reason) == ("1", Reason.FORCED)


def test_code_that_randomizes_by_itself_assigns_if_it_says_so(manager: ExperimentManager) -> None:
    class ByParity(OrgExperiment):
        variants = {"even": 1, "odd": 1}
        own_randomization = True

        def assign(self, params: Params, org: Any) -> None:
            params.variant = "odd" if org.id % 2 else "even"

    manager.add(ByParity)
    assert manager.assign("ByParity", org=3).reason is Reason.ASSIGNED
    assert manager.get("ByParity", org=3) == "odd"


def _everybody(org: Any) -> WeightedChoice:
    return WeightedChoice(choices=["0", "1"], weights=[0.5, 0.5], unit=org.id)


def _variant_of(org: Any) -> Any:
    return "1" if org.slug == "acme" else _everybody(org)


class _Base(OrgExperiment):
    variants = {"0": 0.5, "1": 0.5}

    def assign(self, params: Params, org: Any) -> None:
        params.variant = _variant_of(org)


def _decorated(assign: Any) -> Any:
    @wraps(assign)
    def inner(self: Any, params: Params, org: Any) -> Any:
        return assign(self, params, org)

    return inner


class ByHelper(_Base):
    def assign(self, params: Params, org: Any) -> None:
        params["variant"] = _variant_of(org)


class BySuper(_Base):
    def assign(self, params: Params, org: Any) -> None:
        super().assign(params, org)


class BySuperOfAll(_Base):
    def assign(self, params: Params, org: Any) -> None:
        if org.slug == "acme":
            params.variant = "1"
        else:
            OrgExperiment.assign(self, params, org=org)


class ByDecorator(_Base):
    assign = _decorated(_Base.assign)


class ByComprehension(_Base):
    def assign(self, params: Params, org: Any) -> None:
        params.update({name: _variant_of(org) for name in ["variant"]})


class ByExec(_Base):
    def assign(self, params: Params, org: Any) -> None:
        exec("params.variant = of(org)", {"params": params, "of": _variant_of, "org": org})  # noqa: S102


class ByOverwriting(_Base):
    def assign(self, params: Params, org: Any) -> None:
        params.variant = _everybody(org)
        params.colour = UniformChoice(choices=["red", "blue"], unit=org.id)
        if org.slug == "acme":
            params.variant = "1"


@pytest.mark.parametrize(
    "experiment",
    [ByHelper, BySuper, BySuperOfAll, ByDecorator, ByComprehension, ByExec, ByOverwriting],
)
def test_what_was_executed_says_whether_a_unit_is_forced(
    manager: ExperimentManager, experiment: type[Experiment]
) -> None:
    manager.add(experiment)
    forced, assigned = manager.assign(experiment, org=ACME), manager.assign(experiment, org=ORG)
    assert (forced.variant, forced.reason) == ("1", Reason.FORCED)
    assert assigned.reason is Reason.ASSIGNED


@pytest.mark.parametrize("looks", [lambda params: params.on, lambda params: dict(params)["on"]])
def test_what_code_makes_of_a_random_value_is_assigned(
    manager: ExperimentManager, looks: Any
) -> None:
    class ByCoin(OrgExperiment):
        variants = ["0", "1"]

        def assign(self, params: Params, org: Any) -> None:
            params.variant = "0"
            params.on = BernoulliTrial(p=0.5, unit=org.id)
            if looks(params):
                params.variant = "1"

    manager.add(ByCoin)
    given = [manager.assign(ByCoin, org=org) for org in range(50)]
    assert {(each.variant, each.reason) for each in given} == {
        ("0", Reason.ASSIGNED),
        ("1", Reason.ASSIGNED),
    }


def test_all_of_planouts_choices_can_be_written(manager: ExperimentManager) -> None:
    class Many(UserExperiment):
        param_name = "colour"

        def default_value(self) -> str:
            return "grey"

        def assign(self, params: Params, user: Any, **others: Any) -> None:
            params.shown = BernoulliTrial(p=0.5, unit=user.id)
            params.colour = UniformChoice(choices=["red", "blue"], unit=user.id)

    manager.add(Many)
    params = manager.assign("Many", user="u1").params
    assert set(params) == {"shown", "colour"}


def test_a_bare_id_has_an_id_for_code_that_asks_for_it(manager: ExperimentManager) -> None:
    manager.add(OnUsers)

    class Asks(UserExperiment):
        variants = {"x": 1}

        def assign(self, params: Params, user: Any, org: Any) -> None:
            assert org is None
            params.variant = UniformChoice(choices=["x"], unit=user.id)

    manager.add(Asks)
    assert manager.get("Asks", user=5) == manager.get("Asks", user="five") == "x"


@pytest.mark.parametrize(("given", "taken"), [({}, 3), ({"actor": None}, None)])
def test_assign_can_take_its_subjects_by_keyword_with_defaults(
    manager: ExperimentManager, given: Any, taken: Any
) -> None:
    class ByKeyword(OrgExperiment):
        variants = {"x": 1}

        def assign(self, params: Params, *, org: Any, actor: Any = 3) -> None:
            assert actor == taken
            params.variant = UniformChoice(choices=["x"], unit=org.id)

        def eligible(self, **subjects: Any) -> bool:
            return bool(subjects["team"] == "t")

    manager.add(ByKeyword)
    assert manager.assign("ByKeyword", org=1, team="t", **given).enrolled


def test_returning_false_leaves_the_unit_out(manager: ExperimentManager) -> None:
    class Picky(OrgExperiment):
        variants = {"0": 1, "1": 1}

        def assign(self, params: Params, org: Any) -> bool:
            params.variant = "1"
            return False

    manager.add(Picky)
    assignment = manager.assign("Picky", org=1)
    assert (assignment.variant, assignment.reason) == ("0", Reason.INELIGIBLE)


def test_eligible_takes_the_subjects_that_it_names(manager: ExperimentManager) -> None:
    class Paying(OrgExperiment):
        variants = {"0": 0, "1": 1}

        def eligible(self, org: Any) -> bool:
            return bool(org.id > 10)

    manager.add(Paying)
    assert manager.assign("Paying", org=5).reason is Reason.INELIGIBLE
    assert manager.assign("Paying", org=50).variant == "1"


def test_a_variant_outside_the_declared_ones_is_an_error(manager: ExperimentManager) -> None:
    class Sloppy(OrgExperiment):
        variants = {"0": 1, "1": 1}

        def assign(self, params: Params, org: Any) -> None:
            params.variant = "two"

    manager.add(Sloppy)
    with pytest.raises(
        DeclarationError, match="gave 'two' for 'variant'; it must be one of: '0', '1'"
    ):
        manager.get("Sloppy", org=1)


def test_an_unknown_experiment_is_a_lookup_error_with_a_hint(manager: ExperimentManager) -> None:
    with pytest.raises(UnknownExperimentError, match="none is registered yet"):
        manager.get("Declared", org=1)
    manager.add(Declared)
    with pytest.raises(LookupError, match="Did you mean 'Declared'"):
        manager.get("Decalred", org=1)
    with pytest.raises(UnknownExperimentError) as caught:
        manager.log_exposure(OnUsers, user=1)
    assert (caught.value.name, caught.value.known) == ("OnUsers", ("Declared",))


def test_a_missing_subject_is_an_error_that_names_it(manager: ExperimentManager) -> None:
    manager.add(Declared)
    with pytest.raises(MissingSubjectError, match=r"pass org= .* Got user="):
        manager.get("Declared", user=1)
    for nobody in (None, "", SimpleNamespace(id=None), SimpleNamespace()):
        with pytest.raises(MissingSubjectError):
            manager.get("Declared", org=nobody)


@pytest.mark.parametrize("gone", ["Removed", OnUsers])
def test_an_experiment_that_was_removed_gives_the_default_in_production(
    lenient: ExperimentManager, events: Recorder, caplog: pytest.LogCaptureFixture, gone: Any
) -> None:
    for _ in range(3):
        assert lenient.get(gone, org=1) is None
        assert lenient.get(gone, default="old", org=1) == "old"
    lenient.log_exposure(gone, org=1)
    assignment = lenient.assign(gone, default="old", org=1)
    assert (assignment.variant, assignment.reason) == ("old", Reason.ERROR)
    name = gone if isinstance(gone, str) else gone.name
    assert lenient.errors == {(name, "UnknownExperimentError"): 8}
    assert len(caplog.records) == 1
    assert events == []


def test_an_answer_can_be_pickled_and_copied(manager: ExperimentManager) -> None:
    for experiment in (Declared, ShowPlugins):
        manager.add(experiment)
        assignment = manager.assign(experiment, org=ORG, actor=USER)
        for again in (
            pickle.loads(pickle.dumps(assignment)),
            copy.copy(assignment),
            copy.deepcopy(assignment),
        ):
            assert again == assignment
            assert again.params == {"variant": assignment.variant}
            with pytest.raises(TypeError, match="do not change"):
                again.params["variant"] = "2"
        assert json.loads(json.dumps(assignment.params)) == {"variant": assignment.variant}
        assert pickle.loads(pickle.dumps(assignment.params)) == assignment.params


def test_an_event_can_be_pickled(lenient: ExperimentManager, events: Recorder) -> None:
    lenient.add(OnUsers)
    lenient.log_exposure(OnUsers, user=1)
    lenient.track("clicked", user=1)
    assert pickle.loads(pickle.dumps([*events])) == [*events]
    assert copy.deepcopy([*events]) == [*events]


def test_an_event_is_what_it_was_when_it_was_said(
    lenient: ExperimentManager, events: Recorder
) -> None:
    basket: dict[str, Any] = {
        "items": ["book"],
        "of": {"shop": "a"},
        "ids": (1, [2]),
        "tags": {"x"},
    }
    loop: list[Any] = []
    loop.append(loop)
    lenient.add(Declared)
    said = {"basket": basket, "loop": loop, "at": SimpleNamespace}
    lenient.log_exposure("Declared", org=1, properties=said)
    lenient.track("bought", org=1, properties=said)
    basket["items"].append("pen")
    basket["of"]["shop"] = "b"
    basket["ids"][1].append(3)
    basket["tags"].add("y")
    for event in events:
        assert event.properties["basket"] == {
            "items": ["book"],
            "of": {"shop": "a"},
            "ids": (1, [2]),
            "tags": {"x"},
        }
        assert event.properties["loop"][0] is event.properties["loop"]
        assert event.properties["at"] is SimpleNamespace


@pytest.mark.parametrize("freeze", ["freezegun"])
def test_the_clock_is_the_one_that_a_test_has_put_in_the_systems_place(
    events: Recorder, freeze: str
) -> None:
    freezegun = pytest.importorskip(freeze)
    manager = ExperimentManager(on_event=events, strict=True)
    attributes = {"variants": ["0"], "starts": "2030-01-01", "ends": "2030-02-01"}
    manager.add(type("January", (OrgExperiment,), attributes))
    assert not manager.assign("January", org=1).enrolled
    with freezegun.freeze_time("2030-01-15"):
        assert manager.assign("January", org=1).enrolled
        assert Run(type("Alone", (OrgExperiment,), attributes), org=1).assignment.enrolled
        manager.log_exposure("January", org=1)
        manager.track("clicked", org=1)
    moment = datetime(2030, 1, 15, tzinfo=UTC).timestamp()
    assert [event.time for event in events] == [moment, moment]


def test_one_name_is_registered_once(manager: ExperimentManager) -> None:
    manager.add(Declared)
    other = type("Declared", (OrgExperiment,), {"variants": ["a"]})
    for again in (Declared, other):
        with pytest.raises(DuplicateExperimentError, match=r"is registered already by .*Declared"):
            manager.add(again)
    assert [*manager] == ["Declared"]


CELL = """
from abkit import Layer, UserExperiment
CHECKOUT = Layer("checkout", size=10)

class Basket(UserExperiment):
    variants = {variants}
    layer, slots = CHECKOUT, range(10)

ACTIVE_EXPERIMENTS = [Basket]
"""


def test_a_class_that_its_module_defines_again_replaces_the_old_one(
    manager: ExperimentManager, module: Any
) -> None:
    exec(CELL.format(variants=["a", "b"]), vars(module))  # noqa: S102 - as a reload does
    manager.load("some_experiments")
    before = module.Basket
    exec(CELL.format(variants=["c", "d"]), vars(module))  # noqa: S102
    manager.load("some_experiments")
    manager.load("some_experiments")
    assert [*manager] == ["Basket"]
    assert manager.get("Basket", user=1) in {"c", "d"}
    # Who has imported the old class goes on.
    assert manager.get(before, user=1) == manager.get(module.Basket, user=1)
    assert before not in manager


def test_two_classes_of_one_module_with_one_name_are_two(
    manager: ExperimentManager, module: Any
) -> None:
    exec(CELL.format(variants=["a", "b"]), vars(module))  # noqa: S102
    manager.add(module.Basket)
    other = type("Basket", (UserExperiment,), {"variants": ["c"], "__module__": module.__name__})
    with pytest.raises(DuplicateExperimentError):
        manager.add(other)


@pytest.mark.parametrize("wrong", [OrgExperiment, int, "Declared"])
def test_only_experiments_can_be_registered(manager: ExperimentManager, wrong: Any) -> None:
    with pytest.raises(DeclarationError, match="base class|takes an Experiment class"):
        manager.add(wrong)


def test_add_can_name_the_parameter_that_is_the_variant(manager: ExperimentManager) -> None:
    class Exposed(OrgExperiment):
        def default_value(self) -> str:
            return "0"

        def assign(self, params: Params, org: Any) -> None:
            params.exposed = UniformChoice(choices=["1"], unit=org.id)

    manager.add(Exposed, "exposed")
    assert manager.get("Exposed", org=1) == "1"


@pytest.fixture
def module() -> Iterator[ModuleType]:
    made = ModuleType("some_experiments")
    sys.modules["some_experiments"] = made
    yield made
    del sys.modules["some_experiments"]


def test_load_registers_the_active_experiments(manager: ExperimentManager, module: Any) -> None:
    module.ACTIVE_EXPERIMENTS = [Declared, OnUsers]
    assert manager.load("some_experiments") == ("Declared", "OnUsers")
    assert manager.load("some_experiments") == ("Declared", "OnUsers")  # again: nothing new
    assert len(manager) == 2
    assert Declared in manager


def test_load_says_what_a_module_lacks(manager: ExperimentManager, module: Any) -> None:
    with pytest.raises(ConfigError, match="must have a list ACTIVE_EXPERIMENTS"):
        manager.load("some_experiments")
    with pytest.raises(ConfigError, match="no module 'no_experiments'"):
        manager.load("no_experiments")


def test_all_gives_each_experiment_whose_unit_was_passed(manager: ExperimentManager) -> None:
    for experiment in (Declared, ShowPlugins, OnUsers):
        manager.add(experiment)
    assert set(manager.all(org=ORG, actor=USER)) == {
        "Declared",
        "ShowPlugins",
        "OnUsers",
    }
    assert set(manager.all(org=ORG)) == {"Declared", "ShowPlugins"}
    assert set(manager.all(user=USER)) == {"OnUsers"}
    assert set(manager.all(org=ORG, user=USER)) == {"Declared", "ShowPlugins", "OnUsers"}
    assert manager.all(org=None) == {}


def test_all_evaluates_only_what_is_asked_for(manager: ExperimentManager) -> None:
    for experiment in (Declared, OnUsers, Failing):
        manager.add(experiment)
    expected = {
        "OnUsers": manager.get(OnUsers, user=USER),
        "Declared": manager.get(Declared, org=ORG),
    }
    ways: list[Any] = [["OnUsers", Declared], ("OnUsers", "Declared"), iter([OnUsers, Declared])]
    for only in ways:
        found = manager.all(only=only, org=ORG, user=USER)
        assert [*found.items()] == [*expected.items()]
    assert manager.all(only=Declared, org=ORG) == manager.all(only="Declared", org=ORG)
    assert [*manager.all(only=["OnUsers", "Declared"], org=ORG)] == ["Declared"]
    assert manager.all(only=[], org=ORG) == {}
    with pytest.raises(ZeroDivisionError):
        manager.all(org=ORG)


@pytest.mark.parametrize("only", [["Declared", "Declaerd"], ["Declared", None], 5])
def test_what_is_asked_for_and_is_no_experiment_is_an_error(
    manager: ExperimentManager, lenient: ExperimentManager, only: Any
) -> None:
    for each in (manager, lenient):
        each.add(Declared)
    with pytest.raises(UnknownExperimentError, match="Declaerd|None|5"):
        manager.all(only=only, org=ORG)
    assert lenient.all(only=only, org=ORG) == ({} if only == 5 else lenient.all(org=ORG))
    assert sum(lenient.errors.values()) == 1


def test_what_goes_wrong_in_production_is_counted_and_logged_once(
    lenient: ExperimentManager, events: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    lenient.add(Failing)
    lenient.add(Declared)
    for _ in range(3):
        assert lenient.get("Failing", org=1) == "0"
    assert lenient.assign("Failing", org=1).reason is Reason.ERROR
    lenient.log_exposure("Failing", org=1)
    assert set(lenient.all(org=1)) == {"Failing", "Declared"}
    assert lenient.get("Declared", user=1) == "0"
    assert lenient.errors == {
        ("Failing", "ZeroDivisionError"): 6,
        ("Declared", "MissingSubjectError"): 1,
    }
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert events == []


def test_under_pytest_it_raises_unless_told_otherwise() -> None:
    manager = ExperimentManager()
    manager.add(Failing)
    assert manager.strict
    with pytest.raises(ZeroDivisionError):
        manager.get("Failing", org=1)


def test_a_default_value_that_fails_too_gives_the_control(lenient: ExperimentManager) -> None:
    class Hopeless(OrgExperiment):
        variants = ["control", "other"]

        def default_value(self) -> str:
            raise ZeroDivisionError

        def assign(self, params: Params, org: Any) -> None:
            raise ZeroDivisionError

    lenient.add(Hopeless)
    assert lenient.get("Hopeless", org=1) == "control"


def test_an_exposure_tells_who_was_exposed_to_what(
    lenient: ExperimentManager, events: Recorder
) -> None:
    lenient.add(Declared)
    lenient.log_exposure("Declared", org=ORG, actor=USER, properties={"page": "directory"})
    (exposure,) = events
    assert isinstance(exposure, Exposure)
    assert (exposure.experiment, exposure.salt) == ("Declared", "Declared")
    assert (exposure.unit_type, exposure.unit_id) == ("org", "42")
    assert exposure.variant == lenient.get("Declared", org=ORG)
    assert (exposure.user_id, exposure.groups) == ("3", {"org": "42"})
    assert (exposure.time, exposure.properties) == (1000.0, {"page": "directory"})


def test_only_randomized_units_are_exposed(lenient: ExperimentManager, events: Recorder) -> None:
    for experiment in (
        type("Closed", (OrgExperiment,), {"variants": ["0", "1"], "rollout": 0.0}),
        type("Off", (OrgExperiment,), {"variants": ["0", "1"], "enabled": False}),
        type("Won", (OrgExperiment,), {"variants": ["0", "1"], "winner": "1"}),
        type("Allowed", (OrgExperiment,), {"variants": ["0", "1"], "forced": {"1": [42]}}),
        type("Held", (OrgExperiment,), {"variants": ["0", "1"], "holdouts": [Holdout("h", 1)]}),
        type("Later", (OrgExperiment,), {"variants": ["0", "1"], "starts": "2026-01-01"}),
    ):
        lenient.add(experiment)
        lenient.log_exposure(experiment, org=ORG)
    assert {event.experiment for event in events} == {"h"}
    reasons = {name: lenient.assign(name, org=ORG).reason for name in lenient}
    assert reasons == {
        "Closed": Reason.NOT_ENROLLED,
        "Off": Reason.INACTIVE,
        "Won": Reason.INACTIVE,
        "Allowed": Reason.FORCED,
        "Held": Reason.HOLDOUT,
        "Later": Reason.INACTIVE,
    }
    assert lenient.get("Won", org=ORG) == lenient.get("Allowed", org=ORG) == "1"


def test_a_forced_unit_is_exposed_only_if_that_is_asked_for(
    lenient: ExperimentManager, events: Recorder
) -> None:
    lenient.add(Declared)
    with force("Declared", "1"):
        lenient.log_exposure("Declared", org=ORG)
        assert events == []
        lenient.log_exposure("Declared", org=ORG, even_if_forced=True, properties={"page": "x"})
    (exposure,) = events
    assert (exposure.variant, exposure.properties) == ("1", {"page": "x", "reason": "forced"})
    lenient.add(type("Closed", (OrgExperiment,), {"variants": ["0", "1"], "rollout": 0.0}))
    lenient.log_exposure("Closed", org=ORG, even_if_forced=True)
    assert len(events) == 1


def test_an_experiment_runs_from_its_start_until_before_its_end(events: Recorder) -> None:
    now = 0.0
    manager = ExperimentManager(on_event=events, clock=lambda: now)
    attributes = {"variants": ["0"], "starts": "1970-01-02", "ends": "1970-01-03"}
    manager.add(type("Short", (OrgExperiment,), attributes))
    for now, active in ((86399.0, False), (86400.0, True), (172799.0, True), (172800.0, False)):
        reason = manager.assign("Short", org=1).reason
        assert reason is (Reason.ASSIGNED if active else Reason.INACTIVE), now


def test_an_action_tells_who_did_it(lenient: ExperimentManager, events: Recorder) -> None:
    lenient.track("clicked", org=ORG, actor=1, user=USER, properties={"price": 9.5})
    (action,) = events
    assert isinstance(action, Action)
    assert (action.name, action.user_id, action.groups) == ("clicked", "3", {"org": "42"})
    assert (action.time, action.properties) == (1000.0, {"price": 9.5})


def test_an_action_of_nobody_is_an_error(manager: ExperimentManager, events: Recorder) -> None:
    manager.on_event = events
    with pytest.raises(MissingSubjectError):
        manager.track("clicked", org=None)


def test_events_that_go_nowhere_are_an_error(manager: ExperimentManager) -> None:
    manager.add(Declared)
    with pytest.raises(ConfigError, match="on_event is not set"):
        manager.log_exposure("Declared", org=1)
    with pytest.raises(ConfigError, match="on_event is not set"):
        manager.track("clicked", org=1)


def test_a_handler_that_fails_does_not_reach_the_request() -> None:
    def broken(event: object) -> None:
        raise OSError

    manager = ExperimentManager(on_event=broken, strict=False)
    manager.add(Declared)
    manager.log_exposure("Declared", org=1)
    manager.track("clicked", org=1)
    assert manager.errors == {("Declared", "OSError"): 1, ("clicked", "OSError"): 1}


def test_errors_of_names_without_end_have_a_bounded_table_and_log(
    lenient: ExperimentManager, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(500):
        lenient.track(f"viewed /{number}", user=object())
        lenient.track(f"viewed /{number}", user=1, properties=5)  # type: ignore[arg-type]
    assert len(lenient.errors) == len(caplog.records) == 2 * 21
    assert lenient.errors["viewed /3", "MissingSubjectError"] == 1
    assert lenient.errors["(others)", "MissingSubjectError"] == 480
    assert sum(lenient.errors.values()) == 1_000


def test_errors_of_many_threads_are_all_counted_and_one_of_a_kind_is_logged(
    lenient: ExperimentManager, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        for number in range(1_000):
            lenient.track(f"viewed /{number % 25}", user=object())

    at_once(fail, threads=4)
    assert sum(lenient.errors.values()) == 4_000
    assert len(lenient.errors) == len(caplog.records) == 21


def test_a_name_is_counted_and_logged_on_one_line_whatever_it_is(
    lenient: ExperimentManager, caplog: pytest.LogCaptureFixture
) -> None:
    lenient.track("x\n2024-01-01 ERROR forged\x1b[2J" + "y" * 1_000, user=object())
    lenient.track(["no text"], user=object())  # type: ignore[arg-type]
    first, second = (name for name, _ in lenient.errors)
    assert first.startswith(r"x 2024-01-01 ERROR forged\x1b[2Jyy")
    assert len(first) == 100
    assert second == "list"
    assert all(record.getMessage().isprintable() for record in caplog.records)


def test_a_subject_whose_id_cannot_be_read_does_not_reach_the_request(
    lenient: ExperimentManager,
) -> None:
    class Deferred:
        @property
        def id(self) -> int:
            raise ConnectionError("the database is gone")

    lenient.add(Declared)
    assert lenient.get(Declared, org=Deferred()) == "0"
    assert lenient.assign(Declared, org=Deferred()).reason is Reason.ERROR
    assert lenient.all(org=Deferred()) == {"Declared": "0"}
    lenient.log_exposure(Declared, org=Deferred())
    assert lenient.errors == {("Declared", "ConnectionError"): 4}


class ASink:
    def send(self, events: object, /) -> None: ...


class AHandler:
    def __call__(self, event: object, /) -> None: ...


class AnAsyncHandler:
    async def __call__(self, event: object, /) -> None: ...


async def an_async_function(event: object) -> None: ...


async def an_async_generator(event: object) -> Any:
    yield event


def a_generator(event: object) -> Any:
    yield event


@pytest.mark.parametrize(
    ("handler", "says"),
    [
        (ASink(), r"is a sink, .* set ExposureLogger\(sink\)"),
        ("shop.events.exposures", "cannot be called"),
        ([], "cannot be called"),
        (AHandler, r"is a class: set an object of it, such as AHandler\(\.\.\.\)"),
        (an_async_function, "is async"),
        (partial(an_async_function), "is async"),
        (AnAsyncHandler(), "is async"),
        (an_async_generator, "is async"),
        (a_generator, "generator"),
        (lambda: None, "cannot be called with one event"),
        (lambda one, two: None, "cannot be called with one event: missing"),
    ],
)
def test_what_would_lose_every_event_is_refused_when_it_is_set(handler: Any, says: str) -> None:
    manager = ExperimentManager()
    with pytest.raises(ConfigError, match=says):
        manager.on_event = handler
    with pytest.raises(ConfigError, match="ExposureLogger"):
        ExperimentManager(on_event=handler)
    assert manager.on_event is None


@pytest.mark.parametrize(
    "handler",
    [
        AHandler(),
        AHandler().__call__,
        [].append,
        print,
        partial(print, "event"),
        lambda event: event,
        lambda *events: events,
        Mock(),
        ExposureLogger(MemorySink()),
        None,
    ],
)
def test_whatever_takes_one_event_can_be_set(handler: Any) -> None:
    assert ExperimentManager(on_event=handler).on_event is handler


def test_a_handler_that_has_seen_the_unit_is_not_called_again() -> None:
    class Once(Recorder):
        def has_seen(self, key: tuple[str, ...], variant: object) -> bool:
            return any(
                (e.experiment, e.salt, e.unit_type, e.unit_id) == key and e.variant == variant
                for e in self
            )

    events = Once()
    manager = ExperimentManager(on_event=events)
    manager.add(Declared)
    for org in (1, 1, 2, 1):
        manager.log_exposure("Declared", org=org)
    assert [event.unit_id for event in events] == ["1", "2"]


def test_slots_that_belong_to_another_experiment_are_refused(manager: ExperimentManager) -> None:
    layer = Layer("checkout", size=100)
    variants = {"variants": ["0", "1"], "layer": layer}
    manager.add(type("First", (OrgExperiment,), {**variants, "slots": range(50)}))
    manager.add(type("Second", (OrgExperiment,), {**variants, "slots": range(50, 80)}))
    with pytest.raises(
        DeclarationError, match=r"claims 20 slots .* \(such as 60\) that belong to Second"
    ):
        manager.add(type("Third", (OrgExperiment,), {**variants, "slots": range(60, 100)}))


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ({"layer": Layer("l")}, {"layer": Layer("l", size=99)}, "with 99 slots, First with 10000"),
        ({"layer": Layer("l")}, {"layer": Layer("l", salt="s")}, "slots and the salt 's', First"),
        (
            {"layer": Layer("l")},
            {"layer": Layer("l"), "unit_type": "user"},
            "cannot keep them apart",
        ),
        (
            {"holdouts": [Holdout("h", 0.1)]},
            {"holdouts": [Holdout("h", 0.2)]},
            "the holdout 'h' as",
        ),
        (
            {},
            {"holdouts": [Holdout("First", 0.1)]},
            "the experiment First and a holdout of Second have one name",
        ),
        (
            {"holdouts": [Holdout("Second", 0.1)]},
            {},
            "the experiment Second and a holdout of First have one name",
        ),
    ],
)
def test_what_could_not_keep_units_apart_is_refused_when_the_second_is_added(
    manager: ExperimentManager, first: dict[str, Any], second: dict[str, Any], says: str
) -> None:
    for name, attributes, slots in (("First", first, range(10)), ("Second", second, range(10, 20))):
        own = {
            "variants": ["0"],
            **attributes,
            **({"slots": slots} if "layer" in attributes else {}),
        }
        experiment = type(name, (OrgExperiment,), own)
        if name == "First":
            manager.add(experiment)
    with pytest.raises(DeclarationError, match=rf"^Second: .*{says}"):
        manager.add(experiment)
    assert [*manager] == ["First"]


def test_experiments_of_one_layer_never_share_a_unit(manager: ExperimentManager) -> None:
    layer = Layer("checkout", size=100)
    for name, slots in (("First", range(50)), ("Second", range(50, 80))):
        attributes = {"variants": ["0", "1"], "layer": layer, "slots": slots}
        manager.add(type(name, (OrgExperiment,), attributes))
    enrolled = [
        tuple(name for name in manager if manager.assign(name, org=unit).enrolled)
        for unit in range(4000)
    ]
    assert set(enrolled) == {("First",), ("Second",), ()}
    assert abs(enrolled.count(("First",)) / 4000 - 0.5) < 0.03
    assert abs(enrolled.count(()) / 4000 - 0.2) < 0.03


@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=5),
    st.sampled_from([2, 3, 10]),
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=30
    ),
)
def test_ramping_up_never_moves_an_enrolled_unit(
    shares: list[float], arms: int, units: list[str]
) -> None:
    manager = ExperimentManager(strict=True)
    variants = [f"v{i}" for i in range(arms)]
    names = []
    for i, share in enumerate(sorted(shares)):
        names.append(f"Ramp{i}")
        attributes = {"variants": variants, "rollout": share, "salt": "ramp"}
        manager.add(type(names[-1], (Experiment,), {"unit_type": "user", **attributes}))
    for unit in units:
        ramp = [manager.assign(name, user=unit) for name in names]
        enrolled = [assignment.variant for assignment in ramp if assignment.enrolled]
        assert len(set(enrolled)) <= 1
        assert [assignment.enrolled for assignment in ramp] == sorted(a.enrolled for a in ramp)
