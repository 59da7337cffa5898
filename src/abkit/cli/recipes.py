"""The code of a notebook that asks what the command line asked."""

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from abkit.analysis.declared.design import Design
from abkit.analysis.presentation.notebook import Recipe
from abkit.cli.questions import Asked
from abkit.cli.unit_metrics import written
from abkit.experiments.declaring.experiment import Experiment
from abkit.experiments.declaring.metrics import Conversion, Mean


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
        f"sys.path.insert(0, {str(_root(module))!r})",
        f"experiment = attrgetter({path!r})(import_module({module!r}))",
    ]


def holdout_code(module: str, design: Design) -> list[str]:
    """Import the experiments of a holdout, and make its design of them.

    Args:
        module: The module with ACTIVE_EXPERIMENTS.
        design: The design.
    """
    name, unit_type = design.name, design.unit_type
    return [
        "import sys",
        "from importlib import import_module",
        "",
        "from abkit.analysis import Analysis, holdout_design",
        "",
        f"sys.path.insert(0, {str(_root(module))!r})",
        f"experiments = import_module({module!r}).ACTIVE_EXPERIMENTS",
        f"experiment = holdout_design({name!r}, experiments, unit_type={unit_type!r})",
    ]


def events_recipe(code: Sequence[str], tables: Mapping[str, str | None], asked: Asked) -> Recipe:
    """Of stored events.

    Args:
        code: Imports `Analysis`, and what is analyzed as `experiment`.
        tables: The absolute paths of exposures, actions and any identities; None where there is no such
            table.
        asked: What else was asked.
    """
    head = [*asked.imports, *code]
    call = _call("Analysis", ["experiment"], {**tables, **asked.sources}, asked.plan)
    there = {name: path for name, path in tables.items() if path is not None}
    return Recipe(
        code="\n".join([*head, "", f"analysis = {call}"]),
        tables=there,
        arguments=", ".join(f"{key}={value!r}" for key, value in asked.run.items()),
    )


def units_recipe(
    path: str,
    keywords: Mapping[str, Any],
    asked: Asked,
    *,
    metrics: Sequence[Conversion | Mean],
) -> Recipe:
    """Of a table of units.

    Args:
        path: The absolute path of the table.
        keywords: Those of `UnitsAnalysis`, without the metrics and the plan.
        asked: What else was asked.
        metrics: The metrics.
    """
    head = [
        *asked.imports,
        "from abkit import Conversion, Mean",
        "from abkit.analysis import UnitsAnalysis",
        "",
        f"metrics = [{', '.join(map(written, metrics))}]",
    ]
    call = _call("UnitsAnalysis", [repr(path), "metrics=metrics"], keywords, asked.plan)
    return Recipe(code="\n".join([*head, "", f"analysis = {call}"]), tables={"units": path})


def _call(
    name: str, first: Sequence[str], keywords: Mapping[str, Any], plan: Mapping[str, Any]
) -> str:
    arguments = [*first, *(f"{key}={value!r}" for key, value in keywords.items())]
    if plan:
        said = ", ".join(f"{key}={_written(value)}" for key, value in plan.items())
        arguments.append(f"plan=AnalysisPlan({said})")
    return f"{name}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"


def _written(value: object) -> str:
    """A value as Python; a word of a plan as its text."""
    return repr(str(value)) if isinstance(value, StrEnum) else repr(value)


def _root(module: str) -> Path:
    """The folder from which a module is imported."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return Path.cwd()
    parents = Path(file).resolve().parents
    depth = module.count(".") + (Path(file).name == "__init__.py")
    return parents[depth]
