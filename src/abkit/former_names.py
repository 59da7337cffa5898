"""Names of classes and functions as they were: using one warns, and gives what has replaced it."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any


def former_names(module: dict[str, Any], names: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a module in which names were changed (PEP 562).

    Args:
        module: The module's `globals()`.
        names: By the former name, the name now.
    """

    def get(name: str) -> Any:
        if name not in names:
            message = f"module {module['__name__']!r} has no attribute {name!r}"
            raise AttributeError(message)
        _warn(f"{module['__name__']}.{name}", names[name])
        return module[names[name]]

    return get


def former_attribute(name: str, now: str) -> property:
    """A property that gives, under the former name of an attribute, its value."""

    def get(self: object) -> Any:
        _warn(f"{type(self).__name__}.{name}", now)
        return getattr(self, now)

    return property(get)


def _warn(former: str, now: str) -> None:
    warnings.warn(
        f"{former} is now {now}; the former name ends with abkit 0.2",
        DeprecationWarning,
        stacklevel=3,
    )
