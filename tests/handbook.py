"""Experiments in the one form that Sentry's handbook has for them, as the file of a project.

No `variants`; an `assign(self, params, org, actor)` that looks at the organization and draws by weights
`[1 - W, W]`; and always asked for as `get(name, org=org, actor=user)`.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from attrs import frozen

WEIGHTS = (0.5, 0.1, 0.01)

MODULE = """\
from abkit import OrgExperiment, UserExperiment, WeightedChoice

WEIGHT_VARIANT = {weight}


class ShowPluginsExperiment(OrgExperiment):
    def default_value(self):
        return "0"

    def assign(self, params, org, actor):
        if org.slug == "sentry":
            params.variant = "1"
        else:
            params.variant = WeightedChoice(
                choices=["0", "1"], weights=[1 - WEIGHT_VARIANT, WEIGHT_VARIANT], unit=org.id
            )


class OnboardingExperiment(UserExperiment):
    def default_value(self):
        return "0"

    def assign(self, params, org, actor):
        if org.slug == "sentry":
            params.variant = "1"
        else:
            params.variant = WeightedChoice(
                choices=["0", "1"], weights=[1 - WEIGHT_VARIANT, WEIGHT_VARIANT], unit=actor.id
            )


ACTIVE_EXPERIMENTS = [ShowPluginsExperiment, OnboardingExperiment]
"""


@frozen
class Org:
    """An organization, as an application has it."""

    id: int
    slug: str = "acme"


@frozen
class User:
    """A user, as an application has it."""

    id: int
    email: str = "ann@example.com"


def write_module(folder: Path, weight: float = 0.5, *, name: str = "handbook_config") -> Path:
    """Write the experiments into a folder, as the module that commands are pointed at."""
    path = folder / f"{name}.py"
    path.write_text(MODULE.format(weight=weight))
    return path


def load_module(folder: Path, weight: float = 0.5, *, name: str = "handbook_config") -> ModuleType:
    """Write the experiments into a folder, and import them."""
    spec = spec_from_file_location(name, write_module(folder, weight, name=name))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module
