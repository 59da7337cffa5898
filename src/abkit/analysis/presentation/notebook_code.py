"""Python that makes an analysis again, as the cells of a notebook have it."""

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from abkit.experiments.declaring.experiment import Experiment


def experiment_code(experiment: type[Experiment]) -> list[str]:
    """Import an experiment by its name."""
    module, path = experiment.__module__, experiment.__qualname__
    return [
        "import sys",
        "from importlib import import_module",
        "from operator import attrgetter",
        "",
        "from abkit.analysis import Analysis",
        "",
        f"sys.path.insert(0, {str(root_of(module))!r})",
        f"experiment = attrgetter({path!r})(import_module({module!r}))",
    ]


def call_code(
    name: str, first: Sequence[str], keywords: Mapping[str, Any], plan: Mapping[str, Any]
) -> str:
    """Call an analysis.

    Args:
        name: Its class.
        first: Arguments as Python.
        keywords: Arguments by their names, as values.
        plan: What is to be otherwise than planned.
    """
    arguments = [*first, *(f"{key}={value!r}" for key, value in keywords.items())]
    if plan:
        said = ", ".join(f"{key}={_written(value)}" for key, value in plan.items())
        arguments.append(f"plan=AnalysisPlan({said})")
    return f"{name}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"


def root_of(module: str) -> Path:
    """The folder from which a module is imported."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return Path.cwd()
    parents = Path(file).resolve().parents
    depth = module.count(".") + (Path(file).name == "__init__.py")
    return parents[depth]


def _written(value: object) -> str:
    """A value as Python; a word of a plan as its text."""
    return repr(str(value)) if isinstance(value, StrEnum) else repr(value)
