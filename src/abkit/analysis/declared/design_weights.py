"""The weights of exposures that tell none: old ones, and those of code that decides by itself."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from abkit.analysis.declared.design import Design
from abkit.events import variant_text
from abkit.experiments.declaring.experiment import Experiment, decides_in_code


def is_in_code(experiment: Any) -> bool:
    """Whether an experiment's own `assign()` decides, so that declared weights decide nothing."""
    return (
        isinstance(experiment, type)
        and issubclass(experiment, Experiment)
        and decides_in_code(experiment)
    )


def designed_weights(experiment: Any, design: Design) -> Mapping[str, float]:
    """The weights that an experiment draws with now, as far as they are known; else those of the design.

    Its own `assign()` is run with stand-ins (`abkit.experiments.checking.tracing`): its weights are known
    if it draws the variant with the same ones in all ways that it can go.

    Args:
        experiment: The class; or a design or a declaration, whose weights are those of the design.
        design: What was planned.
    """
    if not is_in_code(experiment):
        return design.weights
    from abkit.experiments.checking.tracing import traced

    found = traced(experiment)
    if found is None or found.weights is None or len(found.weights) > len(found.variants):
        return design.weights
    # The variants of the operator come first, in its order.
    pairs = zip(map(variant_text, found.variants), found.weights, strict=False)
    return MappingProxyType(dict(pairs))
