"""The public names of a package, imported when they are first used."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(
    package: dict[str, Any], places: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and the `__dir__` of a package (PEP 562).

    Args:
        package: The package's `globals()`, where a name is kept once it has been used.
        places: By name, the module that has it.
    """

    def get(name: str) -> Any:
        if name not in places:
            message = f"module {package['__name__']!r} has no attribute {name!r}"
            raise AttributeError(message)
        package[name] = found = getattr(import_module(places[name]), name)
        return found

    return get, lambda: sorted({*package, *places})
