"""The experiments that a module says are active."""

from types import ModuleType

from abkit.errors import ConfigError
from abkit.experiments.declaring.experiment import Experiment


def active_experiments(module: str) -> tuple[type[Experiment], ...]:
    """The experiment classes of a module's ACTIVE_EXPERIMENTS.

    Raises:
        ConfigError: The module does not exist or has no such list.
        DeclarationError: Its METRICS are no catalogue, or lack a metric that an experiment uses by name.
    """
    found = experiments_module(module)
    experiments = getattr(found, "ACTIVE_EXPERIMENTS", None)
    if not isinstance(experiments, list | tuple):
        message = f"{module} must have a list ACTIVE_EXPERIMENTS = [YourExperiment, ...]"
        raise ConfigError(message)
    if getattr(found, "METRICS", None) is None:
        return tuple(experiments)
    # Only where there are metrics by name: a service that only asks for variants should start at once.
    from abkit.experiments.deciding.catalogues import catalogue_in, with_catalogue

    return with_catalogue(experiments, catalogue_in(found))


def experiments_module(module: str) -> ModuleType:
    """The module, imported.

    Raises:
        ConfigError: It does not exist.
    """
    from importlib import import_module

    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        message = f"There is no module {module!r} to load experiments from."
        raise ConfigError(message) from None
