"""Which experiments a caller wants, of all that are registered."""

from collections.abc import Iterable
from typing import TypeAlias

from abkit.experiments.declaring.experiment import Experiment

Only: TypeAlias = str | type[Experiment] | Iterable[str | type[Experiment]]
"""Names or classes of experiments; one alone need not be in a list."""


def asked_for(only: Only) -> tuple[str | type[Experiment], ...]:
    """The experiments that are asked for, in the order of asking.

    What is no experiment is among them: who looks it up says so, as of a wrong name.
    """
    is_one = isinstance(only, str | type) or not isinstance(only, Iterable)
    return (only,) if is_one else tuple(only)  # type: ignore[arg-type, return-value]
