"""How many units a test needs, what it can find, and how long it takes."""

import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from abkit.analysis.inference.power.bayesian import BayesianTest
from abkit.analysis.inference.power.effect import (
    Effect,
    conversion_effect,
    duration,
    mean_effect,
)
from abkit.analysis.inference.power.fixed import detectable_difference, power_of, sample_size
from abkit.analysis.inference.power.group_sequential import Characteristics, characteristics
from abkit.analysis.inference.power.needed import Look, Needed
from abkit.analysis.inference.power.sequential import Looking, SequentialTest
from abkit.analysis.inference.power.size import FixedTest, GroupSequentialTest, Test, size

__all__ = [
    "BayesianTest",
    "Characteristics",
    "Effect",
    "FixedTest",
    "GroupSequentialTest",
    "Look",
    "Looking",
    "Needed",
    "SequentialTest",
    "Test",
    "characteristics",
    "conversion_effect",
    "detectable_difference",
    "duration",
    "mean_effect",
    "power_of",
    "sample_size",
    "size",
]

_FORMER: Mapping[str, str] = MappingProxyType(
    {"Plan": "Effect", "conversion_plan": "conversion_effect", "mean_plan": "mean_effect"}
)
"""By the former name, the name now. A name stays here for one minor version."""


def __getattr__(name: str) -> Any:
    now = _FORMER.get(name)
    if now is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    warnings.warn(
        f"{__name__}.{name} is now {now}; the former name ends with abkit 0.2",
        DeprecationWarning,
        stacklevel=2,
    )
    return globals()[now]
