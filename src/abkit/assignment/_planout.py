"""The one place that knows how to live with PlanOut 0.6.0.

Its `planout.assignment`, `planout.experiment` and `planout.interpreter` do not import on Python 3.10
and later, and it forgets to declare `six`; its operators need only the latter, which abkit
depends on. They are untyped: type checkers see the signatures below.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:

    class PlanOutOp:
        """What every PlanOut operator is: arguments, and a way to execute them."""

        args: dict[str, Any]

        def __init__(self, **args: Any) -> None: ...
        def execute(self, mapper: Any) -> Any: ...

    class PlanOutOpRandom(PlanOutOp):
        """A PlanOut operator that hashes a unit."""

    class _Random(PlanOutOpRandom):
        def __init__(
            self, *, unit: object, salt: str = ..., full_salt: str = ..., **values: Any
        ) -> None: ...

    class RandomFloat(_Random): ...

    class RandomInteger(_Random): ...

    class BernoulliTrial(_Random): ...

    class BernoulliFilter(_Random): ...

    class UniformChoice(_Random):
        def __init__(
            self,
            *,
            choices: Sequence[Any],
            unit: object,
            salt: str = ...,
            full_salt: str = ...,
        ) -> None: ...

    class WeightedChoice(_Random):
        def __init__(
            self,
            *,
            choices: Sequence[Any],
            weights: Sequence[float],
            unit: object,
            salt: str = ...,
            full_salt: str = ...,
        ) -> None: ...

    class Sample(_Random): ...

    class FastSample(_Random): ...

else:
    from planout.ops.base import PlanOutOp
    from planout.ops.random import (
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

Args = Mapping[str, Any]

__all__ = [
    "Args",
    "BernoulliFilter",
    "BernoulliTrial",
    "FastSample",
    "PlanOutOp",
    "PlanOutOpRandom",
    "RandomFloat",
    "RandomInteger",
    "Sample",
    "UniformChoice",
    "WeightedChoice",
]
