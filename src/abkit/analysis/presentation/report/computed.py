"""What templates read is computed once one of them reads it: a page shows a part of a result only."""

from collections.abc import Callable
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2.runtime import Context


class Computed:
    """A value that is computed when somebody asks for it, once.

    Args:
        compute: Gives it.
    """

    def __init__(self, compute: Callable[[], object]) -> None:
        self._compute = compute

    @cached_property
    def value(self) -> object:
        """The value."""
        return self._compute()


@cache
def context_class() -> "type[Context]":
    """What resolves the names of templates: of what is computed, its value.

    Raises:
        ImportError: jinja2 is not installed.
    """
    from jinja2.runtime import Context

    class ComputingContext(Context):
        """Names whose values are computed when a template reads them."""

        def resolve_or_missing(self, key: str) -> Any:
            found = super().resolve_or_missing(key)
            return found.value if isinstance(found, Computed) else found

    return ComputingContext
