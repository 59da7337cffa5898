"""The handbook's form of an experiment, asked for as the handbook asks: `get(name, org=org, actor=user)`."""

from collections import Counter
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import (
    DeclarationError,
    ExperimentManager,
    MissingSubjectError,
    OrgExperiment,
    Params,
    Reason,
    Run,
    SubjectMismatchError,
    UnitsError,
    UserExperiment,
    WeightedChoice,
    assign_many,
    assignment_sql,
    reasons_many,
)
from abkit.analysis.declared.design import Design
from abkit.assignment.hashing import sha1
from abkit.events import Event, Identity
from abkit.experiments.checking.check import notices, problems, settings_problems
from abkit.experiments.checking.tracing import possible_variants, traced
from abkit.experiments.declaring.experiment import control_of

from .handbook import WEIGHTS, Org, User, load_module

ORGS, USERS = "ShowPluginsExperiment", "OnboardingExperiment"
ACME, SENTRY, ANN = Org(1), Org(2, slug="sentry"), User(7)


def of_planout(salt: str, unit: int, weight: float) -> str:
    """PlanOut's WeightedChoice(["0", "1"], [1 - weight, weight]) of the parameter `variant`."""
    digits = sha1(f"{salt}.variant.{unit}".encode()).hexdigest()[:15]
    return "0" if int(digits, 16) / 0xFFFFFFFFFFFFFFF * (1 - weight + weight) <= 1 - weight else "1"


@pytest.fixture(params=WEIGHTS, ids=str)
def weight(request: pytest.FixtureRequest) -> float:
    found: float = request.param
    return found


@pytest.fixture
def module(tmp_path: Path, weight: float) -> ModuleType:
    return load_module(tmp_path, weight)


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def manager(module: ModuleType, events: list[Event]) -> ExperimentManager:
    manager = ExperimentManager(strict=True, on_event=events.append)
    for experiment in module.ACTIVE_EXPERIMENTS:
        manager.add(experiment, experiment.param_name)
    return manager


def test_organizations_and_users_get_planouts_variant(
    manager: ExperimentManager, weight: float
) -> None:
    for unit in range(300):
        org, user = Org(unit), User(unit + 1000)
        assert manager.get(ORGS, org=org, actor=user) == of_planout(ORGS, org.id, weight)
        assert manager.get(USERS, org=org, actor=user) == of_planout(USERS, user.id, weight)
    assert {manager.get(name, org=SENTRY, actor=ANN) for name in manager} == {"1"}


def test_one_user_has_one_variant_under_whatever_name(
    manager: ExperimentManager, module: ModuleType
) -> None:
    given: list[Any] = [
        {"org": ACME, "actor": ANN},
        {"org": ACME, "user": ANN},
        {"org": ACME, "user": ANN, "actor": ANN},
        {"org": ACME, "user": None, "actor": ANN},
        {"org": ACME, "user": SimpleNamespace(id=None, is_anonymous=True), "actor": ANN},
        {"org": ACME, "user": ANN, "actor": None},
    ]
    answers = [manager.assign(USERS, **subjects) for subjects in given[:-1]]
    assert {(each.unit_id, each.reason) for each in answers} == {("7", Reason.ASSIGNED)}
    assert len({each.variant for each in answers}) == 1
    run = Run(module.OnboardingExperiment, **given[0])
    assert run.get("variant") == answers[0].variant
    with pytest.raises(SubjectMismatchError, match=r"asks for actor\.id"):
        manager.get(USERS, **given[-1])


def test_with_both_the_user_is_the_unit_as_in_events(
    manager: ExperimentManager, events: list[Event]
) -> None:
    subjects: Any = {"org": ACME, "user": User(8), "actor": ANN}
    assert manager.assign(USERS, **subjects).unit_id == "8"
    manager.log_exposure(USERS, **subjects)
    manager.track("clicked", **subjects)
    assert [event.user_id for event in events if not isinstance(event, Identity)] == ["8", "8"]


def test_exposures_and_actions_of_one_call_have_one_person(
    manager: ExperimentManager, events: list[Event]
) -> None:
    for name in manager:
        manager.log_exposure(name, org=ACME, actor=ANN)
    manager.track("integration link clicked", org=ACME, actor=ANN)
    told = [(event.user_id, event.groups) for event in events if not isinstance(event, Identity)]
    assert told == [("7", {"org": "1"})] * 3
    exposed: Any = events[:2]
    assert [(each.unit_type, each.unit_id) for each in exposed] == [("org", "1"), ("user", "7")]


def test_all_knows_that_the_actor_is_the_user(manager: ExperimentManager) -> None:
    assert (
        {*manager.all(org=ACME, actor=ANN)} == {*manager.all(org=ACME, user=ANN)} == {ORGS, USERS}
    )
    assert {*manager.all(org=ACME)} == {ORGS}
    assert {*manager.all(org=ACME, actor=None)} == {ORGS}


def test_the_split_has_the_weights(manager: ExperimentManager, weight: float) -> None:
    units = 20_000
    for name in manager:
        found = Counter(manager.get(name, org=Org(i), actor=User(i)) for i in range(units))
        assert abs(found["1"] / units - weight) < 4 * (weight * (1 - weight) / units) ** 0.5


class AsksForUser(OrgExperiment):
    variants = {"0": 1, "1": 1}

    def assign(self, params: Params, org: Any, user: Any) -> None:
        params.who = user.id
        super().assign(params, org=org)


class AsksForOrganization(OrgExperiment):
    variants = {"0": 1, "1": 1}

    def assign(self, params: Params, organization: Any, actor: Any) -> None:
        params.who = actor.id
        params.variant = WeightedChoice(choices=["0", "1"], weights=[1, 1], unit=organization.id)


class TakesAll(UserExperiment):
    variants = {"0": 1, "1": 1}

    def assign(self, params: Params, **subjects: Any) -> None:
        params.who = subjects["actor"].id
        super().assign(params, **subjects)


class EligibleByUser(UserExperiment):
    variants = {"0": 1, "1": 1}

    def eligible(self, user: Any) -> bool:
        return bool(user.id == ANN.id)

    def assign(self, params: Params, user: Any, country: str = "CA") -> None:
        params.who, params.country = user.id, country
        super().assign(params, user=user)


@pytest.mark.parametrize("experiment", [AsksForUser, AsksForOrganization, TakesAll, EligibleByUser])
@pytest.mark.parametrize("person", ["actor", "user"])
def test_arguments_that_can_only_mean_one_subject_get_it(experiment: Any, person: str) -> None:
    manager = ExperimentManager(strict=True)
    manager.add(experiment)
    assignment = manager.assign(experiment, org=ACME, **{person: ANN})
    assert (assignment.reason, assignment.params["who"]) == (Reason.ASSIGNED, 7)


def test_an_actor_is_the_user_of_an_argument_with_a_default() -> None:
    class Optional(OrgExperiment):
        variants = {"0": 1, "1": 1}

        def assign(self, params: Params, org: Any, user: Any = None) -> None:
            params.who = user and user.id
            super().assign(params, org=org)

    manager = ExperimentManager(strict=True)
    manager.add(Optional)
    assert manager.assign(Optional, org=ACME, actor=ANN).params["who"] == 7
    assert manager.assign(Optional, org=ACME).params["who"] is None


@given(st.text(min_size=1))
def test_any_bare_id_can_be_told(unit_id: str) -> None:
    class Slugs(OrgExperiment):
        variants = {"0": 1}

        def assign(self, params: Params, org: Any, actor: Any) -> None:
            params.variant = actor or org.slug

    manager = ExperimentManager(strict=True)
    manager.add(Slugs)
    with pytest.raises(SubjectMismatchError, match=r"asks for org\.slug, and org= is the bare id"):
        manager.get(Slugs, org=unit_id)


def test_a_default_of_an_argument_stays_where_the_call_does_not_have_it() -> None:
    manager = ExperimentManager(strict=True)
    manager.add(EligibleByUser)
    assert manager.assign(EligibleByUser, actor=ANN).params["country"] == "CA"
    assert manager.assign(EligibleByUser, actor=ANN, country="US").params["country"] == "US"


class AsksForViewer(OrgExperiment):
    variants = {"0": 1, "1": 1}

    def assign(self, params: Params, org: Any, viewer: Any) -> None:
        super().assign(params, org=org)


def test_an_argument_that_the_call_names_otherwise_is_refused_with_both_names() -> None:
    manager = ExperimentManager(strict=True)
    manager.add(AsksForViewer)
    with pytest.raises(SubjectMismatchError) as caught:
        manager.get(AsksForViewer, org=ACME, actor=ANN)
    assert str(caught.value) == (
        "AsksForViewer: assign() asks for viewer, and the call gave org=, actor=: call that argument "
        "`actor`, or pass viewer= (or give it a default, viewer=None)"
    )
    assert (caught.value.asked, caught.value.given) == ("viewer", ("org", "actor"))
    assert manager.assign(AsksForViewer, org=ACME, viewer=ANN).enrolled
    assert manager.assign(AsksForViewer, org=ACME).enrolled


@pytest.mark.parametrize(
    ("name", "subjects", "says"),
    [
        (USERS, {"user": ANN}, "assign() asks for org.slug, and the call gave user=: pass org="),
        (ORGS, {"org": 42, "actor": ANN}, "asks for org.slug, and org= is the bare id 42: pass an"),
        (ORGS, {"org": 7, "actor": 7}, "asks for org.slug, and org= is the bare id 7"),
        (USERS, {"org": ACME}, "OnboardingExperiment randomizes by user: pass user="),
        (USERS, {"org": ACME, "actor": False}, "user= is missing, and actor= is False, a bool"),
    ],
)
def test_what_a_call_lacks_is_told_with_what_it_gave(
    manager: ExperimentManager, module: ModuleType, name: str, subjects: Any, says: str
) -> None:
    with pytest.raises((SubjectMismatchError, MissingSubjectError)) as caught:
        manager.get(name, **subjects)
    assert says in str(caught.value)
    lenient = ExperimentManager(strict=False)
    lenient.add(getattr(module, name))
    assert lenient.get(name, **subjects) == "0"
    assert lenient.errors == {(name, type(caught.value).__name__): 1}


def test_an_error_of_the_code_itself_is_raised_as_it_is() -> None:
    class Fails(OrgExperiment):
        variants = ["0", "1"]

        def assign(self, params: Params, org: Any, actor: Any) -> None:
            nobody: Any = actor
            params.variant = (nobody or org.owner).id

    manager = ExperimentManager(strict=True)
    manager.add(Fails)
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'id'"):
        manager.get(Fails, org=SimpleNamespace(id=1, owner=None))


def test_a_base_that_is_given_no_unit_says_so() -> None:
    class Forgets(UserExperiment):
        variants = ["0", "1"]

        def assign(self, params: Params, org: Any, actor: Any) -> None:
            super().assign(params, org=org)

    manager = ExperimentManager(strict=True)
    manager.add(Forgets)
    with pytest.raises(MissingSubjectError, match="Forgets randomizes by user: pass user="):
        manager.get(Forgets, org=ACME, actor=ANN)


def test_whole_columns_take_objects_and_say_what_bare_ids_lack(
    manager: ExperimentManager, module: ModuleType
) -> None:
    orgs = [Org(unit) for unit in range(50)]
    given = [manager.get(ORGS, org=org, actor=ANN) for org in orgs]
    assert assign_many(module.ShowPluginsExperiment, orgs) == given
    assert reasons_many(module.ShowPluginsExperiment, [SENTRY, ACME]) == ["forced", "assigned"]
    for experiment, units, says in (
        (module.ShowPluginsExperiment, [ACME, 42], "give objects with an `id` and a `slug` as the"),
        (module.OnboardingExperiment, [ANN], "a column has no org; ask get() for each unit"),
    ):
        with pytest.raises(UnitsError) as caught:
            assign_many(experiment, units)
        assert says in str(caught.value)
        assert "it asks for org.slug" in str(caught.value)
        assert caught.value.position == len(units) - 1
        with pytest.raises(DeclarationError, match=r"decides in its assign\(\)"):
            assignment_sql(experiment, "id")


def test_its_variants_and_its_control_are_found_in_the_code(
    module: ModuleType, weight: float
) -> None:
    for experiment in module.ACTIVE_EXPERIMENTS:
        found = traced(experiment)
        assert found is not None
        assert (found.variants, found.weights) == (("0", "1"), (1 - weight, weight))
        assert (problems([experiment]), notices([experiment], now=0)) == ((), ())
        assert Design.of(experiment).control == control_of(experiment) == "0"
        assert Design.of(experiment, control="1").control == "1"
        assert settings_problems([experiment], {experiment.name: {"winner": "1"}}) == ()
        (problem,) = settings_problems([experiment], {experiment.name: {"winner": "2"}})
        assert "has the variants '0', '1', not '2'" in problem


class InTests(OrgExperiment):
    """As the handbook has it, where a setting of the process keeps the code from drawing."""

    _is_test = True

    def default_value(self) -> str:
        return "0"

    def assign(self, params: Params, org: Any, actor: Any) -> None:
        if self._is_test or org.slug == "sentry":
            params.variant = "1"
        else:
            params.variant = WeightedChoice(choices=["0", "1"], weights=[1, 1], unit=org.id)


def test_a_setting_for_tests_that_keeps_the_code_from_drawing_is_a_notice() -> None:
    assert problems([InTests]) == ()
    (notice,) = notices([InTests], now=0)
    assert "has a random operator and did not come to it" in notice
    assert settings_problems([InTests], {"InTests": {"winner": "0"}}) == ()
    assert possible_variants(InTests) == ()
    in_production = type("InTests", (InTests,), {"_is_test": False})
    assert notices([in_production], now=0) == ()
    assert possible_variants(in_production) == ("0", "1")
