"""Tools for the tests of applications that use abkit: forced variants, captured exposures, isolation.

The pytest plugin is installed with abkit; see docs/howto/force-a-variant-in-tests.md.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from abkit.assignment.forcing import force
    from abkit.testing.capture import Captured, captured_exposures
    from abkit.testing.containment import contained, delivering
    from abkit.testing.forcing import ForceVariant, force_everywhere
    from abkit.testing.isolation import isolated_manager
    from abkit.testing.mixin import ExperimentsMixin

__all__ = [
    "Captured",
    "ExperimentsMixin",
    "ForceVariant",
    "captured_exposures",
    "contained",
    "delivering",
    "force",
    "force_everywhere",
    "isolated_manager",
]

# Imported when they are first used: the pytest plugin lives in this package, and pytest loads it always.
_LATER = {
    "Captured": "abkit.testing.capture",
    "ExperimentsMixin": "abkit.testing.mixin",
    "ForceVariant": "abkit.testing.forcing",
    "captured_exposures": "abkit.testing.capture",
    "contained": "abkit.testing.containment",
    "delivering": "abkit.testing.containment",
    "force": "abkit.assignment.forcing",
    "force_everywhere": "abkit.testing.forcing",
    "isolated_manager": "abkit.testing.isolation",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
