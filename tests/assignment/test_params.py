"""Params take values and operators, under any name."""

import pickle
from copy import copy, deepcopy
from typing import Any

import pytest
from planout.ops.random import PlanOutOpRandom

from abkit import BernoulliTrial, Params, RandomInteger, UniformChoice
from abkit.assignment.params import values_of, was_randomized


class Half(PlanOutOpRandom):  # type: ignore[misc]
    """An operator of one's own."""

    def simpleExecute(self) -> Any:
        return self.getHash() % 2


def test_a_value_is_kept_and_an_operator_is_executed() -> None:
    params = Params("test_salt")
    params.foo = UniformChoice(choices=["a", "b", "c"], unit=0)
    params["bar"] = "constant"
    assert params == {"foo": "b", "bar": "constant"}
    assert params.foo == params["foo"]


def test_names_of_methods_can_be_parameters() -> None:
    params: Any = Params("salt")
    params.items = 3
    params.get = 4
    assert (params.items, params.get) == (3, 4)


def test_a_missing_parameter_is_an_attribute_error_so_that_hasattr_and_deepcopy_work() -> None:
    params = Params("salt")
    assert not hasattr(params, "nothing")
    with pytest.raises(AttributeError):
        _ = params.nothing


def test_params_can_be_copied_and_pickled() -> None:
    params = Params("salt")
    params.x = UniformChoice(choices=[1, 2], unit=3)
    for same in (copy(params), deepcopy(params), pickle.loads(pickle.dumps(params))):
        assert same == params
        assert same.experiment_salt == "salt"


def test_one_operator_can_use_what_another_gave() -> None:
    params = Params("salt")
    params.likely = BernoulliTrial(p=1.0, unit=1)
    params.chosen = UniformChoice(choices=[params.likely], unit=1)
    assert params.chosen == 1


def test_overridden_names_keep_their_values() -> None:
    params = Params("salt", {"foo": "forced"})
    params.foo = UniformChoice(choices=["a", "b"], unit=1)
    params.bar = "free"
    assert params == {"foo": "forced", "bar": "free"}


def test_assigning_the_experiment_salt_salts_anew() -> None:
    params, other = Params("one"), Params("other")
    params.experiment_salt = "other"
    for each in (params, other):
        each.x = RandomInteger(min=0, max=10**12, unit=1)
    assert params.x == other.x
    assert params.experiment_salt == "other"


def test_an_operator_of_ones_own_is_executed_as_planout_does_and_can_be_reused() -> None:
    operator = Half(unit="u")
    params = Params("salt")
    for i in range(64):
        params[f"p{i}"] = operator
    assert {*params.values()} == {0, 1}
    assert operator.args == {"unit": "u"}


def test_parameters_can_be_deleted_and_counted() -> None:
    params = Params("salt")
    params.x = 1
    assert len(params) == 1
    del params["x"]
    assert not params


def test_what_an_operator_gave_is_a_parameter_like_any_other() -> None:
    params: Any = Params("salt")
    params.first = UniformChoice(choices=["a"], unit=1)
    params.items = UniformChoice(choices=["b"], unit=1)  # also if Params has something of that name
    params.last = "c"
    assert [*params] == ["first", "items", "last"]
    assert [params.first, params.items, params["items"], params.last] == ["a", "b", "b", "c"]
    assert "first" in params
    assert dict(deepcopy(params)) == {"first": "a", "items": "b", "last": "c"}
    del params.first, params["items"]
    assert not hasattr(params, "first")
    with pytest.raises(AttributeError):
        del params.first
    assert dict(params) == {"last": "c"}


def test_it_is_known_of_each_parameter_whether_an_operator_decided_it() -> None:
    def written() -> Params:
        params = Params("salt")
        params.drawn = params.replaced = BernoulliTrial(p=1, unit=1)
        params.replaced = "by code"
        return params

    params = written()
    assert (was_randomized(params, "drawn"), was_randomized(params, "replaced")) == (True, False)
    assert {**values_of(params)} == {"drawn": 1, "replaced": "by code"}
    assert not was_randomized(params, "replaced")  # values_of() is no look
    looks: list[Any] = [lambda p: p.drawn, lambda p: p["drawn"], lambda p: p.get("drawn"), dict]
    for look in looks:
        params = written()
        look(params)
        assert was_randomized(params, "replaced")
