"""Who moves from PlanOut to abkit, as docs/howto/coming-from-planout.md says, moves no unit."""

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from abkit import (
    BernoulliTrial,
    ExperimentManager,
    Params,
    RandomInteger,
    Reason,
    UniformChoice,
    UserExperiment,
    WeightedChoice,
)
from abkit.experiments.declaring.experiment import Experiment
from abkit.experiments.declaring.layer import Namespace

from ..conformance.reference import namespace_of_planout, planout

UNITS = [*range(700), *(f"user-{number}" for number in range(300))]

Body: TypeAlias = Callable[[Any, Any], bool | None]


def even_split(params: Any, unit: Any) -> None:
    params.variant = UniformChoice(choices=["old", "new"], unit=unit)


def uneven_split(params: Any, unit: Any) -> None:
    params.variant = WeightedChoice(choices=["old", "new"], weights=[0.9, 0.1], unit=unit)


def three_variants(params: Any, unit: Any) -> None:
    params.variant = WeightedChoice(choices=["a", "b", "c"], weights=[5, 3, 2], unit=unit)


def trial(params: Any, unit: Any) -> None:
    params.variant = BernoulliTrial(p=0.3, unit=unit)


def number(params: Any, unit: Any) -> None:
    params.variant = RandomInteger(min=1, max=6, unit=unit)


def several_parameters(params: Any, unit: Any) -> None:
    params.color = UniformChoice(choices=["red", "green", "blue"], unit=unit)
    params.size = WeightedChoice(choices=[10, 12], weights=[0.7, 0.3], unit=unit)
    params.variant = UniformChoice(choices=["plain", params.color], unit=unit)


def own_salt(params: Any, unit: Any) -> None:
    params.variant = UniformChoice(choices=["old", "new"], unit=unit, salt="last year's")


def several_units(params: Any, unit: Any) -> None:
    params.variant = UniformChoice(choices=["old", "new"], unit=[unit, "checkout"])


def own_code(params: Any, unit: Any) -> bool | None:
    if str(unit).endswith("3"):
        return False
    params.variant = UniformChoice(choices=["old", "new"], unit=unit)
    return None


BODIES = [
    even_split,
    uneven_split,
    three_variants,
    trial,
    number,
    several_parameters,
    own_salt,
    several_units,
    own_code,
]


def of_planout(body: Body, name: str) -> Callable[[Any], Any]:
    """An application of PlanOut: from a unit to its experiment, with the class that it has."""

    class Old(planout("experiment").Experiment):  # type: ignore[misc]
        def setup(self) -> None:
            self.name = name
            self.set_auto_exposure_logging(False)

        def configure_logger(self) -> None: ...

        def log(self, data: object) -> None: ...

        def previously_logged(self) -> bool:
            return True

        def assign(self, params: Any, userid: Any) -> bool | None:
            return body(params, userid)

    return lambda unit: Old(userid=unit)


def of_abkit(body: Body, name: str) -> type[Experiment]:
    """The same after the move: the input has become a subject."""

    def assign(self: object, params: Params, user: Any) -> bool | None:
        return body(params, user)

    members = {"assign": assign, "control": "old", "name": name}
    return type("New", (UserExperiment,), members)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("name", ["SignupButton", "signup-2016"])
def test_every_unit_keeps_its_variant_and_all_its_parameters(
    body: Body, name: str, manager: ExperimentManager
) -> None:
    old = of_planout(body, name)
    manager.add(of_abkit(body, name))
    variants: Counter[Any] = Counter()
    for unit in UNITS:
        theirs = old(unit)
        expected = theirs.get_params()
        if not theirs.in_experiment:
            assert not manager.assign(name, user=unit).enrolled
            continue
        ours = manager.assign(name, user=unit)
        assert ours.reason is Reason.ASSIGNED
        assert dict(ours.params) == dict(expected)
        assert ours.variant == expected["variant"]
        variants[ours.variant] += 1
    assert len(variants) > 1, "the test must tell variants apart"


@pytest.mark.parametrize(
    ("body", "variants"),
    [
        (uneven_split, {"old": 0.9, "new": 0.1}),
        (three_variants, {"a": 5, "b": 3, "c": 2}),
    ],
)
def test_declared_weights_are_the_weighted_choice_that_assign_wrote(
    body: Body, variants: dict[str, float], manager: ExperimentManager
) -> None:
    manager.add(type("Declared", (UserExperiment,), {"variants": variants, "salt": "SignupButton"}))
    old = of_planout(body, "SignupButton")
    assert all(manager.get("Declared", user=unit) == old(unit).get("variant") for unit in UNITS)


def test_every_unit_of_a_namespace_keeps_its_experiment_and_its_variant(
    manager: ExperimentManager,
) -> None:
    history: list[Any] = [("add", "basket", 300), ("add", "old idea", 200)]
    history += [("remove", "old idea"), ("add", "payment", 500)]
    theirs = namespace_of_planout("checkout", 1_000, history)
    ours = Namespace("checkout", 1_000, history=history)
    for name in ("basket", "payment"):
        members = {
            "layer": ours.layer,
            "slots": ours.slots(name),
            "salt": ours.salt(name),
            "variants": ["old", "new"],
            "assign": of_abkit(even_split, name).assign,
        }
        manager.add(type(name, (UserExperiment,), members))
    found: Counter[str | None] = Counter()
    for unit in UNITS:
        theirs.inputs = {"unit": unit}
        owner = theirs.segment_allocations.get(theirs.get_segment())
        found[owner] += 1
        for name in ("basket", "payment"):
            answer = manager.assign(name, user=unit)
            assert answer.enrolled == (owner == name)
            if owner == name:
                expected = of_planout(even_split, f"checkout.{name}")(unit).get("variant")
                assert answer.variant == expected
    assert set(found) == {"basket", "payment", None}
