"""The functions and the random operators of PlanOut's scripts: their names and their arguments."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from types import MappingProxyType
from typing import Any

from abkit.assignment._planout import (
    BernoulliFilter,
    BernoulliTrial,
    FastSample,
    PlanOutOpRandom,
    RandomFloat,
    RandomInteger,
    Sample,
    UniformChoice,
    WeightedChoice,
)
from abkit.errors import OperatorError


def _listed(name: str, value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise OperatorError(name, f"takes a list, not {value!r}")
    return value


def _product(values: Any) -> Any:
    return reduce(operator.mul, _listed("product", values))


def _index(base: Any, index: Any) -> Any:
    """The element; None if there is none. An index does not count from the end."""
    if isinstance(base, Mapping):
        return base.get(index)
    elements = _listed("index", base)
    return elements[index] if 0 <= index < len(elements) else None


FUNCTIONS: Mapping[str, tuple[tuple[str, ...], Callable[..., Any]]] = MappingProxyType(
    {
        "equals": (("left", "right"), operator.eq),
        ">": (("left", "right"), operator.gt),
        "<": (("left", "right"), operator.lt),
        ">=": (("left", "right"), operator.ge),
        "<=": (("left", "right"), operator.le),
        "%": (("left", "right"), operator.mod),
        "/": (("left", "right"), lambda left, right: float(left) / float(right)),
        "not": (("value",), operator.not_),
        "negative": (("value",), lambda value: 0 - value),
        "round": (("value",), round),
        "exp": (("value",), math.exp),
        "sqrt": (("value",), math.sqrt),
        "length": (("value",), len),
        "min": (("values",), lambda values: min(_listed("min", values))),
        "max": (("values",), lambda values: max(_listed("max", values))),
        "sum": (("values",), lambda values: sum(_listed("sum", values))),
        "product": (("values",), _product),
        "index": (("base", "index"), _index),
    }
)
"""By name: the arguments, all of them evaluated, and the function of them."""

RANDOM: Mapping[str, tuple[type[PlanOutOpRandom], tuple[str, ...], tuple[str, ...]]] = (
    MappingProxyType(
        {
            "randomFloat": (RandomFloat, ("min", "max", "unit"), ("full_salt",)),
            "randomInteger": (RandomInteger, ("min", "max", "unit"), ("full_salt",)),
            "bernoulliTrial": (BernoulliTrial, ("p", "unit"), ("full_salt",)),
            "bernoulliFilter": (BernoulliFilter, ("p", "choices", "unit"), ("full_salt",)),
            "uniformChoice": (UniformChoice, ("choices", "unit"), ("full_salt",)),
            "weightedChoice": (WeightedChoice, ("choices", "weights", "unit"), ("full_salt",)),
            "sample": (Sample, ("choices", "unit"), ("draws", "full_salt")),
            "fastSample": (FastSample, ("choices", "unit"), ("draws", "full_salt")),
        }
    )
)
"""By name: the operator, the arguments that it needs, and those that it takes besides and `salt`."""
