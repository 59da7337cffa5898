"""Finds the experiments of a project, and registers them."""

from importlib import import_module

from attrs import frozen
from django.apps import apps
from django.utils.module_loading import module_has_submodule

from abkit.errors import AbkitError
from abkit.experiments.deciding.active import active_experiments
from abkit.experiments.declaring.experiment import Experiment
from abkit.integrations.django.configuration import Configuration
from abkit.integrations.visitors.kept_variants import VisitorVariants
from abkit.manager import ExperimentManager


@frozen(kw_only=True)
class Registration:
    """What was found.

    Attributes:
        experiments: The experiments that are registered.
        errors: What kept others from it.
        without_list: The modules called `experiments` that have no ACTIVE_EXPERIMENTS.
    """

    experiments: tuple[type[Experiment], ...] = ()
    errors: tuple[str, ...] = ()
    without_list: tuple[str, ...] = ()


def registered(configuration: Configuration, manager: ExperimentManager) -> Registration:
    """Register the experiments of a project, and put its settings, `on_event` and sticky store into force.

    Visitors keep the variants of sticky experiments in their cookie, unless there is a sticky store.
    An experiment that the manager knows already is left as it is. What is wrong within a module and is
    no error of abkit's own, such as a syntax error, is raised.
    """
    found: list[type[Experiment]] = []
    errors: list[str] = []
    without_list: list[str] = []
    for module in _modules(configuration):
        try:
            if configuration.experiments is None and not _has_list(module):
                without_list.append(module)
                continue
            for experiment in active_experiments(module):
                if experiment not in manager:
                    manager.add(experiment)
                found.append(experiment)
        except AbkitError as error:
            errors.append(f"{module}: {error}")
    if configuration.sticky_store is not None:
        manager.use_sticky_store(configuration.sticky_store)
    manager.use_visitor_variants(VisitorVariants())
    if configuration.settings is not None:
        manager.use_settings(configuration.settings)
    if configuration.on_event is not None:
        manager.on_event = configuration.on_event
    return Registration(
        experiments=tuple(found), errors=tuple(errors), without_list=tuple(without_list)
    )


def _modules(configuration: Configuration) -> list[str]:
    if configuration.experiments is not None:
        return [configuration.experiments]
    return [
        f"{app.name}.experiments"
        for app in apps.get_app_configs()
        if module_has_submodule(app.module, "experiments")
    ]


def _has_list(module: str) -> bool:
    return hasattr(import_module(module), "ACTIVE_EXPERIMENTS")
