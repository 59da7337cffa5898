"""The operators give what PlanOut gives, and what PlanOut gets wrong they get right."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planout.ops import random as planout_random

import abkit
from abkit import OperatorError, Params
from abkit.assignment.hashing import hash_text, unit_text


class PlanOutEnvironment:
    """What PlanOut's own `execute` needs of its Assignment."""

    salt_sep = "."

    def __init__(self, experiment_salt: str) -> None:
        self.experiment_salt = experiment_salt

    def evaluate(self, value: object) -> object:
        return value


def by_planout(operator: str, salt: str, name: str, args: dict[str, Any]) -> Any:
    instance = getattr(planout_random, operator)(**args)
    instance.args.setdefault("salt", name)
    return instance.execute(PlanOutEnvironment(salt))


def by_abkit(operator: str, salt: str, name: str, args: dict[str, Any]) -> Any:
    params = Params(salt)
    params[name] = getattr(abkit, operator)(**args)
    return params[name]


ascii_text = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
units = st.one_of(
    ascii_text, st.integers(), st.booleans(), st.lists(ascii_text, min_size=1, max_size=3)
)
choice_lists = st.lists(st.integers() | ascii_text, min_size=1, max_size=8)
salts = st.fixed_dictionaries({}, optional={"salt": ascii_text, "full_salt": ascii_text})


def test_equals_all_reference_vectors_without_a_quirk(
    planout_vectors: list[dict[str, Any]],
) -> None:
    exact = [vector for vector in planout_vectors if "quirk" not in vector]
    assert len(exact) == 186
    for v in exact:
        assert by_abkit(v["op"], v["experiment_salt"], v["var"], v["args"]) == v["result"], v
        if "hash" in v:
            args = v["args"]
            salt = args.get("full_salt", f"{v['experiment_salt']}.{args.get('salt', v['var'])}")
            assert hash_text(f"{salt}.{unit_text(args['unit'])}") == v["hash"], v


def test_operators_are_planouts_own_classes() -> None:
    for name in ("WeightedChoice", "UniformChoice", "BernoulliTrial", "RandomInteger", "Sample"):
        assert getattr(abkit, name) is getattr(planout_random, name)


@given(ascii_text, ascii_text, units, choice_lists, salts)
def test_uniform_choice_equals_planout(
    salt: str, name: str, unit: Any, choices: list[Any], own: dict[str, str]
) -> None:
    args = {"choices": choices, "unit": unit, **own}
    assert by_abkit("UniformChoice", salt, name, args) == by_planout(
        "UniformChoice", salt, name, args
    )


@given(ascii_text, ascii_text, units, choice_lists, salts, st.data())
def test_weighted_choice_equals_planout(
    salt: str, name: str, unit: Any, choices: list[Any], own: dict[str, str], data: st.DataObject
) -> None:
    weight = st.floats(0, 1e6) | st.integers(0, 100)
    weights = data.draw(st.lists(weight, min_size=len(choices), max_size=len(choices)).filter(any))
    args = {"choices": choices, "weights": weights, "unit": unit, **own}
    assert by_abkit("WeightedChoice", salt, name, args) == by_planout(
        "WeightedChoice", salt, name, args
    )


@given(ascii_text, ascii_text, units, st.floats(0, 1), salts)
def test_bernoulli_trial_equals_planout(
    salt: str, name: str, unit: Any, p: float, own: dict[str, str]
) -> None:
    args = {"p": p, "unit": unit, **own}
    assert by_abkit("BernoulliTrial", salt, name, args) == by_planout(
        "BernoulliTrial", salt, name, args
    )


@given(ascii_text, ascii_text, units, st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_random_float_equals_planout(
    salt: str, name: str, unit: Any, low: float, high: float
) -> None:
    args = {"min": low, "max": high, "unit": unit}
    assert by_abkit("RandomFloat", salt, name, args) == by_planout("RandomFloat", salt, name, args)


@given(ascii_text, ascii_text, units, st.integers(), st.integers(0, 10**9))
def test_random_integer_equals_planout(
    salt: str, name: str, unit: Any, low: int, width: int
) -> None:
    args = {"min": low, "max": low + width, "unit": unit}
    assert by_abkit("RandomInteger", salt, name, args) == by_planout(
        "RandomInteger", salt, name, args
    )


@given(ascii_text, ascii_text, units, choice_lists, st.floats(0, 1))
def test_bernoulli_filter_equals_planout(
    salt: str, name: str, unit: Any, choices: list[Any], p: float
) -> None:
    args = {"choices": choices, "p": p, "unit": unit}
    expected = by_planout("BernoulliFilter", salt, name, deepcopy(args))
    assert by_abkit("BernoulliFilter", salt, name, args) == expected


@given(ascii_text, ascii_text, units, choice_lists, st.data())
@pytest.mark.parametrize("operator", ["Sample", "FastSample"])
def test_samples_equal_planout(
    operator: str, salt: str, name: str, unit: Any, choices: list[Any], data: st.DataObject
) -> None:
    args = {"choices": choices, "unit": unit, "draws": data.draw(st.integers(0, len(choices)))}
    assert by_abkit(operator, salt, name, args) == by_planout(operator, salt, name, deepcopy(args))
    del args["draws"]
    assert by_abkit(operator, salt, name, args) == by_planout(operator, salt, name, deepcopy(args))


def test_a_list_of_units_is_not_changed_so_that_a_second_call_gives_the_same() -> None:
    unit = [1, 2]
    args = {"choices": [1, 2, 3, 4, 5], "draws": 3, "unit": unit}
    first = by_abkit("Sample", "test_salt", "foo", args)
    assert by_abkit("Sample", "test_salt", "foo", args) == first
    assert unit == [1, 2]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_can_be_a_unit_or_a_salt(text: str) -> None:
    assert by_abkit("BernoulliTrial", text, text, {"p": 1.0, "unit": text, "salt": text}) == 1


def test_an_operator_that_is_used_twice_hashes_with_each_name() -> None:
    operator = abkit.RandomInteger(min=0, max=10**12, unit=7)
    params = Params("salt")
    params.x = operator
    params.y = operator
    assert params.x != params.y
    assert operator.args == {"min": 0, "max": 10**12, "unit": 7}


@pytest.mark.parametrize(
    ("operator", "args", "says"),
    [
        ("BernoulliTrial", {"p": 7, "unit": 1}, "between 0 and 1"),
        ("BernoulliTrial", {"p": float("nan"), "unit": 1}, "between 0 and 1"),
        ("BernoulliTrial", {"p": "half", "unit": 1}, "`p` must be a number"),
        ("BernoulliTrial", {"unit": 1}, "needs the argument `p`"),
        ("BernoulliTrial", {"p": 0.5}, "needs the argument `unit`"),
        ("BernoulliTrial", {"p": 0.5, "unit": 1, "salt": 5}, "`salt` must be a string"),
        ("BernoulliFilter", {"p": 2, "choices": [1], "unit": 1}, "between 0 and 1"),
        ("UniformChoice", {"choices": [], "unit": 1}, "is empty"),
        ("UniformChoice", {"choices": "ab", "unit": 1}, "must be a list"),
        (
            "WeightedChoice",
            {"choices": ["a", "b"], "weights": [0, 0], "unit": 1},
            "sum to more than 0",
        ),
        ("WeightedChoice", {"choices": ["a", "b"], "weights": [2, -1], "unit": 1}, "not negative"),
        (
            "WeightedChoice",
            {"choices": ["a", "b"], "weights": [1], "unit": 1},
            "2 choices and 1 weights",
        ),
        (
            "WeightedChoice",
            {"choices": ["a"], "weights": [1, 1], "unit": 1},
            "1 choices and 2 weights",
        ),
        ("WeightedChoice", {"choices": ["a"], "weights": [float("inf")], "unit": 1}, "finite"),
        ("WeightedChoice", {"choices": ["a"], "weights": ["1"], "unit": 1}, "numbers"),
        ("RandomInteger", {"min": 2, "max": 1, "unit": 1}, "must not be below"),
        ("RandomInteger", {"min": 0.5, "max": 1, "unit": 1}, "integer"),
        ("Sample", {"choices": [1, 2], "draws": 3, "unit": 1}, "cannot draw 3 of 2"),
        ("FastSample", {"choices": [1, 2], "draws": -1, "unit": 1}, "cannot draw -1"),
    ],
)
def test_a_wrong_argument_is_an_error_that_says_what_is_wrong(
    operator: str, args: dict[str, Any], says: str
) -> None:
    with pytest.raises(OperatorError, match=says):
        by_abkit(operator, "salt", "x", args)
