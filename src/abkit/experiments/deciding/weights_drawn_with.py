"""With which weights a variant was drawn: what an exposure tells of it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from abkit.assignment.weights import weights_text
from abkit.experiments.declaring.declaration import Declaration

Weigh: TypeAlias = Callable[[Mapping[str, Any] | None], str | None]
"""From the parameters that `assign()` wrote to the text of `Exposure.weights`; None if that is not known.
Where the declared weights decided there are no parameters: None."""

FORCED: Mapping[str, Any] = MappingProxyType({})
"""In place of the parameters: the unit was forced, and drawn with no weights."""


def weigher_of(declaration: Declaration, *, in_code: bool) -> Weigh:
    """How the weights of one experiment's decisions are found out.

    Args:
        declaration: What is in force.
        in_code: Whether its own `assign()` decides.
    """
    shares, param_name = declaration.weights, declaration.param_name
    declared = weights_text([*shares], [*shares.values()]) if shares else None
    if not in_code:
        return lambda params: declared if params is None else None
    from abkit.assignment.params import weigher

    return weigher(param_name)
