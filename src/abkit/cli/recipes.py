"""The code of a notebook that asks what the command line asked."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from abkit.analysis.presentation.notebook import Recipe
from abkit.experiments.declaring.experiment import Experiment


def events_recipe(
    experiment: type[Experiment], tables: Mapping[str, str | None], said: Mapping[str, Any]
) -> Recipe:
    """Of stored events.

    Args:
        experiment: The class; the notebook imports it by its name.
        tables: The absolute paths of exposures and actions; None where there is no such table.
        said: What else was asked: keywords of `Analysis`.
    """
    module, path = experiment.__module__, experiment.__qualname__
    head = [
        *_imports(said),
        "import sys",
        "from importlib import import_module",
        "from operator import attrgetter",
        "",
        "from abkit.analysis.analysis import Analysis",
        "",
        f"sys.path.insert(0, {str(_root(module))!r})",
        f"experiment = attrgetter({path!r})(import_module({module!r}))",
    ]
    call = _call("Analysis", ["experiment"], {**tables, **said})
    there = {name: path for name, path in tables.items() if path is not None}
    return Recipe(code="\n".join([*head, "", f"analysis = {call}"]), tables=there)


def units_recipe(
    path: str, said: Mapping[str, Any], conversions: Sequence[str], means: Sequence[str]
) -> Recipe:
    """Of a table of units.

    Args:
        path: The absolute path of the table.
        said: What was asked: keywords of `UnitsAnalysis`, without the metrics.
        conversions: Columns of true and false.
        means: Columns of numbers.
    """
    metrics = [f"Conversion({c!r})" for c in conversions] + [f"Mean({c!r})" for c in means]
    head = [
        *_imports(said),
        "from abkit import Conversion, Mean",
        "from abkit.analysis.units import UnitsAnalysis",
        "",
        f"metrics = [{', '.join(metrics)}]",
    ]
    call = _call("UnitsAnalysis", [repr(path), "metrics=metrics"], said)
    return Recipe(code="\n".join([*head, "", f"analysis = {call}"]), tables={"units": path})


def _imports(said: Mapping[str, Any]) -> list[str]:
    """What the values' own representations need."""
    lines = []
    if {"start", "until", "window", "cuped"} & {*said}:
        lines.append("import datetime")
    if "exclude" in said:
        lines.append("from abkit.analysis import Exclusion")
    return lines


def _call(name: str, first: Sequence[str], keywords: Mapping[str, Any]) -> str:
    arguments = [*first, *(f"{key}={value!r}" for key, value in keywords.items())]
    return f"{name}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"


def _root(module: str) -> Path:
    """The folder from which a module is imported."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return Path.cwd()
    parents = Path(file).resolve().parents
    depth = module.count(".") + (Path(file).name == "__init__.py")
    return parents[depth]
