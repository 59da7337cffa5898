"""The code of a notebook that asks what the command line asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from abkit.analysis.declared.design import Design
from abkit.analysis.presentation.notebook import Recipe
from abkit.analysis.presentation.notebook_code import call_code, root_of
from abkit.cli.questions import Asked
from abkit.cli.unit_metrics import written
from abkit.experiments.declaring.metrics import Conversion, Mean


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
        f"sys.path.insert(0, {str(root_of(module))!r})",
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
    call = call_code("Analysis", ["experiment"], {**tables, **asked.sources}, asked.plan)
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
    call = call_code("UnitsAnalysis", [repr(path), "metrics=metrics"], keywords, asked.plan)
    return Recipe(code="\n".join([*head, "", f"analysis = {call}"]), tables={"units": path})
