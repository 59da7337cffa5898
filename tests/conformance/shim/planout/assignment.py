"""`planout.assignment`, made of abkit."""

from collections.abc import Mapping
from typing import Any

from abkit import Params
from abkit.assignment.params import override


class Assignment(Params):
    """Params are what PlanOut calls an Assignment."""

    def set_overrides(self, overrides: Mapping[str, Any]) -> None:
        override(self, overrides)
