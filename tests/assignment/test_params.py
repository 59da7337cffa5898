"""Params take values and operators, under any name."""

import pickle
from copy import copy, deepcopy
from typing import Any

import pytest
from planout.ops.random import PlanOutOpRandom

from abkit import BernoulliTrial, Params, RandomInteger, UniformChoice


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
