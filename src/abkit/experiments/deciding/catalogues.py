"""Where a project has its catalogue of metrics, and its experiments' use of it."""

import sys
from collections.abc import Iterable
from typing import Any

from abkit.errors import ConfigError, DeclarationError
from abkit.experiments.declaring.catalogue import Catalogue, resolved, unresolved
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import Experiment, declares
from abkit.pyproject import tool_table

LIST = "METRICS"
"""What the list of a module is called."""


def catalogue_in(module: object) -> Catalogue | None:
    """The catalogue of a module; None if it has no METRICS.

    Raises:
        DeclarationError: METRICS is no list of metrics, or two that differ have one name.
    """
    listed = getattr(module, LIST, None)
    if listed is None:
        return None
    return Catalogue.of(listed, where=f"{LIST} of {getattr(module, '__name__', module)}")


def named_catalogue() -> Catalogue | None:
    """The catalogue of the module that the nearest pyproject.toml names as `metrics`; None if it names none.

    Raises:
        ConfigError: The module does not exist, or has no METRICS.
        DeclarationError: As `catalogue_in`.
    """
    path, said = tool_table()
    named = said.get("metrics")
    if named is None:
        return None
    found = catalogue_in(_imported(named, said=f"{path}: metrics under [tool.abkit]"))
    if found is None:
        message = f"{path}: {named} has no list {LIST} = [...] of metrics"
        raise ConfigError(message)
    return found


def catalogue_for(module: object) -> Catalogue | None:
    """The catalogue of a project: that of the module with its experiments, or else the one that is named.

    Args:
        module: With ACTIVE_EXPERIMENTS. Its METRICS count even if they are empty.

    Returns:
        None if the module has no METRICS, and pyproject.toml names none.

    Raises:
        ConfigError, DeclarationError: As `catalogue_in` and `named_catalogue`.
    """
    found = catalogue_in(module)
    return named_catalogue() if found is None else found


def project_catalogue() -> Catalogue | None:
    """The catalogue for the module that the nearest pyproject.toml names as `config`.

    Raises:
        ConfigError: As `catalogue_for`, or the configured module does not exist.
        DeclarationError: As `catalogue_for`.
    """
    path, said = tool_table()
    config = said.get("config")
    if config is None:
        return named_catalogue()
    return catalogue_for(_imported(config, said=f"{path}: config under [tool.abkit]"))


def use_names(experiments: Iterable[Any]) -> bool:
    """Whether any of what stands in ACTIVE_EXPERIMENTS uses a metric by a name that is not looked up yet."""
    return any(unresolved(each.declaration) for each in experiments if declares(each))


def with_catalogue(experiments: Iterable[Any], catalogue: Catalogue | None) -> tuple[Any, ...]:
    """The experiments, their classes' declarations having the metrics that names stand for.

    Args:
        experiments: What stands in ACTIVE_EXPERIMENTS.
        catalogue: The metrics; None: names stay what they are, as requests need no metrics.

    Raises:
        DeclarationError: The catalogue has no metric of a name that an experiment uses.
    """
    found = tuple(experiments)
    if catalogue is not None:
        for experiment in found:
            if declares(experiment):
                experiment.declaration = resolved(experiment.declaration, catalogue)
    return found


def declaration_with_metrics(experiment: type[Experiment]) -> Declaration:
    """What a class declares, with the metrics that names stand for, wherever it is used.

    The catalogue is that of the class's own module, or of the project.

    Raises:
        DeclarationError: There is no catalogue, or it has no metric of a name.
        ConfigError: As `project_catalogue`.
    """
    if names := unresolved(experiment.declaration):
        catalogue = catalogue_in(sys.modules.get(experiment.__module__))
        if catalogue is None:
            catalogue = project_catalogue()
        if catalogue is None:
            raise DeclarationError(experiment.name, without_catalogue(names))
        experiment.declaration = resolved(experiment.declaration, catalogue)
    return experiment.declaration


def without_catalogue(names: Iterable[str]) -> str:
    """What is wrong with names of metrics where there is no catalogue, and how to put it right."""
    listed = ", ".join(map(repr, names))
    return (
        f"uses metrics by name ({listed}), and there is no catalogue: declare {LIST} = [...] in the module "
        'with ACTIVE_EXPERIMENTS, or write metrics = "your.module" under [tool.abkit] in pyproject.toml; '
        'or declare the metric itself, such as Conversion("signed up")'
    )


def _imported(module: object, *, said: str) -> object:
    from importlib import import_module

    if not isinstance(module, str):
        message = f"{said} must be a text, not {module!r}"
        raise ConfigError(message)
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        message = f"{said}: there is no module {module!r}"
        raise ConfigError(message) from None
