"""Experiments that are right by themselves can be wrong together."""

from typing import Any

import pytest

from abkit import (
    DeclarationError,
    Experiment,
    Holdout,
    Layer,
    OrgExperiment,
    Params,
    UserExperiment,
)
from abkit.experiments.checking.check import notices, problems, settings_problems

LAYER = Layer("layer", size=10)
Q3 = Holdout("q3", 0.05)


def declared(class_name: str = "One", **attributes: Any) -> type[Experiment]:
    return type(class_name, (OrgExperiment,), {"variants": ["0", "1"], **attributes})


def test_experiments_that_are_right_have_no_problem() -> None:
    assert problems([declared(), declared("Two", ends="2030-01-01")]) == ()


@pytest.mark.parametrize(
    ("experiments", "says"),
    [
        ([declared(), "Two"], "ACTIVE_EXPERIMENTS has 'Two'"),
        ([OrgExperiment], "OrgExperiment: is a base class"),
        ([declared(), declared()], "One: is the name of two"),
        ([declared(), declared("Two", salt="One")], "One and Two: have one salt, 'One'"),
        (
            [declared(holdouts=[Q3]), declared("Two", holdouts=[Holdout("q4", 0.1, salt="q3")])],
            "the holdouts q3 and q4: have one salt, 'q3'",
        ),
        (
            [declared(layer=LAYER, slots=range(5)), declared("Two", layer=LAYER, slots=[4, 5])],
            "Two: claims 1 slots",
        ),
    ],
)
def test_each_problem_is_named(experiments: list[Any], says: str) -> None:
    (problem,) = problems(experiments)
    assert problem.startswith(says)


def test_settings_are_held_against_the_experiments() -> None:
    found = settings_problems([declared()], {"Gone": {"enabled": False}, "One": {"winner": "2"}})
    assert [text.split(",")[0] for text in found] == [
        "the settings name Gone",
        "the settings of One: has the variants '0'",
    ]


def test_an_end_that_has_passed_is_a_notice_and_no_problem() -> None:
    over, concluded = declared(ends="1999-12-31"), declared("Two", ends="1999-12-31", winner="1")
    assert problems([over, concluded]) == ()
    assert notices([over, concluded, "Two"], now=0) == ()
    (notice,) = notices([over, concluded], now=1e9)
    assert notice.startswith("One: ended on 1999-12-31 and is still active")


def asking(base: type[Experiment], assign: Any) -> type[Experiment]:
    return type("Asks", (base,), {"variants": ["0", "1"], "assign": assign})


def by_org_and_actor(self: Any, params: Params, org: Any, actor: Any) -> None:
    self.assign_as_declared(params, org, actor)


def by_user(self: Any, params: Params, org: Any, user: Any) -> None:
    self.assign_as_declared(params, org, user)


def by_organization(self: Any, params: Params, organization: Any, actor: Any) -> None:
    self.assign_as_declared(params, organization, actor)


def by_strangers(self: Any, params: Params, organization: Any, viewer: Any) -> None:
    self.assign_as_declared(params, organization, viewer)


def by_platform(self: Any, params: Params, user: Any, is_mobile: Any, beta: bool = False) -> None:
    self.assign_as_declared(params, user, is_mobile, beta)


@pytest.mark.parametrize("base", [OrgExperiment, UserExperiment])
@pytest.mark.parametrize("assign", [by_org_and_actor, by_user])
def test_the_names_that_every_call_has_are_right(base: Any, assign: Any) -> None:
    experiment = asking(base, assign)
    assert (problems([experiment]), notices([experiment], now=0)) == ((), ())


def test_an_argument_that_can_only_be_the_unit_is_right() -> None:
    experiment = asking(OrgExperiment, by_organization)
    assert (problems([experiment]), notices([experiment], now=0)) == ((), ())


@pytest.mark.parametrize(("base", "unit"), [(OrgExperiment, "org"), (UserExperiment, "user")])
def test_an_assign_that_no_call_can_serve_is_a_problem(base: Any, unit: str) -> None:
    (problem,) = problems([asking(base, by_strangers)])
    assert problem == (
        "Asks: assign() asks for organization and viewer, and no call can tell which of them is the "
        f"{unit} that is randomized; call that argument `{unit}`"
    )


def test_an_assign_that_does_not_take_the_unit_is_a_notice() -> None:
    def by_org(self: Any, params: Params, org: Any) -> None:
        self.assign_as_declared(params, org)

    (notice,) = notices([asking(UserExperiment, by_org)], now=0)
    assert "assign() does not ask for the user that is randomized" in notice
    assert notices([asking(OrgExperiment, by_org)], now=0) == ()


def test_what_calls_must_pass_besides_is_a_notice() -> None:
    experiment = asking(UserExperiment, by_platform)
    assert problems([experiment]) == ()
    (notice,) = notices([experiment], now=0)
    assert "only calls with user=, is_mobile= can serve it" in notice
    (notice,) = notices([asking(UserExperiment, by_organization)], now=0)
    assert "only calls with user=, organization=" in notice


def test_arguments_that_no_call_can_pass_are_refused_when_the_class_is_defined() -> None:
    def by_position(self: Any, params: Params, org: Any, /) -> None: ...

    def params_last(self: Any, org: Any, params: Params) -> None: ...

    def of_the_call(self: Any, params: Params, org: Any, default: Any) -> None: ...

    for assign, says in (
        (by_position, "assign takes 'org' by position"),
        (params_last, "assign must take `params` first"),
        (of_the_call, "assign cannot ask for a subject called 'default'"),
    ):
        with pytest.raises(DeclarationError, match=says):
            asking(OrgExperiment, assign)
