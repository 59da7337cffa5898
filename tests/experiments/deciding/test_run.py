"""A run is one experiment for one unit: assigned once, exposed once."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from abkit import (
    DeclarationError,
    Experiment,
    ExperimentManager,
    Exposure,
    MissingSubjectError,
    OrgExperiment,
    Params,
    Reason,
    UniformChoice,
    UserExperiment,
    force,
)
from abkit.experiments.deciding.run import Run


class Banner(UserExperiment):
    variants = ["a", "b"]

    def assign(self, params: Params, user: Any, calls: Any = None) -> None:
        if calls is not None:
            calls.append(user)
        params.colour = UniformChoice(choices=["red", "blue"], unit=user.id)
        params.shade = f"dark {params.colour}"
        params.variant = UniformChoice(choices=["a", "b"], unit=user.id)


class Plain(OrgExperiment):
    variants = {"0": 0.5, "1": 0.5}


class Closed(Plain):
    rollout = 0


class Picky(UserExperiment):
    variants = ["a", "b"]

    def assign(self, params: Params, user: Any) -> bool:
        params.variant = "b"
        params.other = 1
        return False


@pytest.mark.parametrize(("experiment", "kind"), [(Banner, "user"), (Plain, "org")])
def test_it_gives_what_the_manager_gives(
    manager: ExperimentManager, experiment: Any, kind: str
) -> None:
    manager.add(experiment)
    for unit in range(100):
        subjects: dict[str, Any] = {kind: unit}
        run = Run(experiment, **subjects)
        assert run.assignment == manager.assign(experiment, **subjects)
        assert run.get("variant") == run.get_params()["variant"] == run.assignment.variant


def test_it_assigns_when_it_is_first_asked_and_then_never_again() -> None:
    calls: list[Any] = []
    run = Run(Banner, user=1, calls=calls)
    assert calls == []
    for _ in range(3):
        run.get("colour")
        run.get_params()
    assert calls == [1]


def test_the_first_parameter_that_is_got_exposes_the_unit_once() -> None:
    events: list[Any] = []
    run = Run(
        Banner,
        on_event=events.append,
        clock=lambda: 7.0,
        user=SimpleNamespace(id=5),
        org="acme",
    )
    assert run.assignment.enrolled
    assert events == []
    for name in ("colour", "variant", "colour"):
        run.get(name)
    run.get_params()
    run.log_exposure()
    assert events == [
        Exposure(
            experiment="Banner",
            salt="Banner",
            unit_type="user",
            unit_id="5",
            variant=run.assignment.variant,
            time=7.0,
            user_id="5",
            groups={"org": "acme"},
            weights='{"a":0.5,"b":0.5}',
        )
    ]


def test_a_parameter_that_the_experiment_does_not_have_exposes_nothing() -> None:
    events: list[Any] = []
    run = Run(Banner, on_event=events.append, user=1)
    assert run.get("nothing") is None
    assert run.get("nothing", "default") == "default"
    assert events == []


@pytest.mark.parametrize("experiment", [Picky, Closed])
def test_a_unit_that_takes_no_part_gets_the_default_and_is_not_exposed(experiment: Any) -> None:
    events: list[Any] = []
    run = Run(experiment, on_event=events.append, user=1, org=1)
    assert run.get("variant") == experiment.declaration.control
    assert run.get_params()["variant"] == experiment.declaration.control
    assert not run.assignment.enrolled
    assert events == []


def test_overridden_parameters_keep_their_values_and_others_can_depend_on_them() -> None:
    events: list[Any] = []
    run = Run(Banner, on_event=events.append, overrides={"colour": "green", "extra": 1}, user=1)
    assert run.get("colour") == "green"
    assert run.get("shade") == "dark green"
    assert run.get("extra") == 1
    assert run.get("variant") == Run(Banner, user=1).get("variant")
    assert len(events) == 1
    assert Run(Plain, overrides={"extra": 1}, org=1).get_params().keys() == {"variant", "extra"}


@pytest.mark.parametrize("experiment", [Banner, Plain, Picky])
def test_an_overridden_variant_is_forced(experiment: Any) -> None:
    events: list[Any] = []
    for variant in experiment.declaration.variants:
        overrides = {"variant": variant}
        run = Run(experiment, on_event=events.append, overrides=overrides, user=1, org=1)
        assert run.get("variant") == variant
        assert run.assignment.reason is Reason.FORCED
    assert events == []
    with pytest.raises(DeclarationError, match="has the variants"):
        Run(experiment, overrides={"variant": "c"}, user=1, org=1)


def test_it_says_what_it_is() -> None:
    assert repr(Run(Plain, org="acme")) == "<Run of Plain for org='acme'>"


def test_force_holds_for_a_run() -> None:
    with force("Plain", "1"):
        assert Run(Plain, org=1).assignment.reason is Reason.FORCED


def test_overrides_of_one_run_do_not_reach_another() -> None:
    before = dict(Run(Banner, user=1).get_params())
    assert Run(Banner, overrides={"colour": "green"}, user=1).get("colour") == "green"
    assert Run(Banner, user=1).get_params() == before


def test_an_exposure_that_was_refused_is_handed_on_again() -> None:
    events: list[Any] = []

    def broken(event: object) -> None:
        events.append(event)
        raise OSError

    run = Run(Plain, on_event=broken, org=1)
    for _ in range(2):
        with pytest.raises(OSError):  # noqa: PT011
            run.get("variant")
    assert len(events) == 2


def test_it_raises_what_goes_wrong() -> None:
    with pytest.raises(MissingSubjectError, match="pass org="):
        Run(Plain, user=1).get("variant")


@pytest.mark.parametrize("wrong", [Experiment, OrgExperiment, "Plain", 3])
def test_it_takes_experiments_only(wrong: Any) -> None:
    for overrides in ({}, {"a": 1}):
        with pytest.raises(DeclarationError, match="base class|takes an Experiment class"):
            Run(wrong, overrides=overrides, org=1)


def test_an_experiment_that_has_ended_enrols_nobody() -> None:
    class Over(Plain):
        ends = "1970-01-02"

    assert Run(Over, org=1, clock=lambda: 0.0).assignment.enrolled
    assert Run(Over, org=1).assignment.reason is Reason.INACTIVE
    assert Run(Over, org=1, clock=time.time).assignment.reason is Reason.INACTIVE
