"""With which weights a variant was drawn, as its exposure tells it."""

from collections.abc import Callable
from typing import Any

import pytest

from abkit import (
    BernoulliTrial,
    ExperimentManager,
    Exposure,
    OrgExperiment,
    Params,
    RandomFloat,
    RandomInteger,
    UniformChoice,
    WeightedChoice,
    force,
)
from abkit.assignment.weights import weights_text
from abkit.experiments.declaring.experiment import Experiment
from abkit.experiments.declaring.script import ScriptExperiment


def exposures(experiment: type[Experiment], *orgs: Any, **options: Any) -> list[Exposure]:
    events: list[Any] = []
    manager = ExperimentManager(on_event=events.append, strict=True)
    manager.add(experiment)
    for org in orgs or range(20):
        manager.log_exposure(experiment, org=org, **options)
    return events


def told(experiment: type[Experiment], **options: Any) -> set[str | None]:
    return {event.weights for event in exposures(experiment, **options)}


def own(write: Callable[[Params, Any], None]) -> type[Experiment]:
    def assign(self: Experiment, params: Params, org: Any) -> None:
        write(params, org)

    return type("Own", (OrgExperiment,), {"control": "control", "assign": assign})


class Declared(OrgExperiment):
    variants = {"b": 1, "a": 9}


def test_declared_weights_are_told_as_shares_in_the_order_of_the_variants_texts() -> None:
    assert told(Declared) == {'{"a":0.9,"b":0.1}'}


def test_a_run_tells_them_too() -> None:
    from abkit import Run

    events: list[Any] = []
    Run(Declared, on_event=events.append, org=1).get("variant")
    assert events[0].weights == '{"a":0.9,"b":0.1}'


def test_what_is_forced_was_drawn_with_no_weights() -> None:
    with force(Declared, "a"):
        assert told(Declared, even_if_forced=True) == {None}


def weighted(params: Params, org: Any) -> None:
    params.variant = WeightedChoice(choices=["0", "1"], weights=[1 - 0.1, 0.1], unit=org)


def uniform(params: Params, org: Any) -> None:
    params.variant = UniformChoice(choices=["x", "y", "z"], unit=org)


def bernoulli(params: Params, org: Any) -> None:
    params.variant = BernoulliTrial(p=0.25, unit=org)


def integers(params: Params, org: Any) -> None:
    params.variant = RandomInteger(min=1, max=4, unit=org)


def second(params: Params, org: Any) -> None:
    params.colour = UniformChoice(choices=["red", "blue"], unit=org)
    params.note = "nothing"
    params.variant = BernoulliTrial(p=0.25, unit=org)


def by_another(params: Params, org: Any) -> None:
    params.big = BernoulliTrial(p=0.5, unit=org)
    p = 0.25 if params.big else 0.75
    params.variant = BernoulliTrial(p=p, unit=org)


@pytest.mark.parametrize(
    ("write", "weights"),
    [
        (weighted, {'{"0":0.9,"1":0.1}'}),
        (uniform, {'{"x":0.333333333333,"y":0.333333333333,"z":0.333333333333}'}),
        (bernoulli, {'{"0":0.75,"1":0.25}'}),
        (integers, {'{"1":0.25,"2":0.25,"3":0.25,"4":0.25}'}),
        (second, {'{"0":0.75,"1":0.25}'}),
        (by_another, {'{"0":0.75,"1":0.25}', '{"0":0.25,"1":0.75}'}),
    ],
)
def test_the_operator_that_drew_the_variant_in_this_call_tells_its_weights(
    write: Callable[[Params, Any], None], weights: set[str]
) -> None:
    assert told(own(write)) == weights


def by_a_number(params: Params, org: Any) -> None:
    params.bucket = RandomInteger(min=0, max=99, unit=org)
    params.variant = "1" if params.bucket < 10 else "0"


def a_float(params: Params, org: Any) -> None:
    params.variant = RandomFloat(min=0, max=1, unit=org)


def a_wide_range(params: Params, org: Any) -> None:
    params.variant = RandomInteger(min=0, max=1_000, unit=org)


def drawn_again(params: Params, org: Any) -> None:
    params.variant = UniformChoice(choices=["control", "some"], unit=org)
    if params.variant == "some":
        params.variant = UniformChoice(choices=["one", "two"], salt="again", unit=org)


def looked_at(params: Params, org: Any) -> None:
    params.colour = UniformChoice(choices=["red", "blue"], unit=org)
    params.variant = UniformChoice(choices=["control", "some"], unit=org)
    if params["variant"] == "some":
        params.size = 7


@pytest.mark.parametrize("write", [by_a_number, a_float, a_wide_range, drawn_again, looked_at])
def test_of_what_the_code_decides_by_itself_the_weights_are_not_known(
    write: Callable[[Params, Any], None],
) -> None:
    assert told(own(write)) == {None}


class Half(WeightedChoice):
    """An operator of one's own that draws as it likes."""

    def simpleExecute(self) -> Any:
        return self.args["choices"][0]


def test_an_operator_of_ones_own_may_draw_with_other_weights_than_its_arguments() -> None:
    def write(params: Params, org: Any) -> None:
        params.variant = Half(choices=["0", "1"], weights=[0.5, 0.5], unit=org)

    assert told(own(write)) == {None}


def test_a_script_tells_the_weights_of_what_it_sets_the_variant_to() -> None:
    def scripted(value: dict[str, Any]) -> type[Experiment]:
        script = {"op": "set", "var": "variant", "value": value}
        return type(
            "Scripted", (ScriptExperiment, OrgExperiment), {"control": "0", "script": script}
        )

    drawn = {
        "op": "weightedChoice",
        "choices": {"op": "array", "values": ["0", "1"]},
        "weights": {"op": "array", "values": [3, 1]},
        "unit": {"op": "get", "var": "org"},
    }
    assert told(scripted(drawn)) == {'{"0":0.75,"1":0.25}'}
    salted = {**drawn, "salt": "own"}
    within = {"op": "index", "base": {"op": "array", "values": [salted, salted]}, "index": 0}
    assert told(scripted(within)) == {None}


def test_choices_that_are_no_variants_are_not_told() -> None:
    assert weights_text([["a"], None], [1, 1]) is None
    assert weights_text(["a", "b", "a"], [1, 2, 1]) == '{"a":0.5,"b":0.5}'
    assert weights_text([True, "größer"], [1, 1]) == '{"größer":0.5,"true":0.5}'
