"""What `abkit analyze` analyzes: an experiment or a holdout, and the code that gets it in a notebook."""

from collections.abc import Mapping, Sequence
from typing import Any

import click
from attrs import frozen

from abkit.analysis.declared.design import Design
from abkit.analysis.declared.holdout import holdout_design
from abkit.analysis.presentation.notebook_code import experiment_code
from abkit.cli.config import configured_experiment, configured_experiments, configured_module
from abkit.cli.recipes import holdout_code
from abkit.errors import AnalysisError, UnknownExperimentError
from abkit.experiments.declaring.experiment import Experiment


@frozen(kw_only=True)
class Analyzed:
    """What is analyzed.

    Attributes:
        design: As `Analysis` takes it.
        code: Lines of Python that assign the same to `experiment`.
    """

    design: type[Experiment] | Design
    code: Sequence[str]


def check_subject(options: Mapping[str, Any]) -> None:
    """Refuse a call that names no experiment and no holdout, or both."""
    name, holdout = options["name"], options["holdout"]
    if name is None and holdout is None:
        message = "--events needs the NAME of an experiment, or --holdout NAME"
        raise click.UsageError(message)
    if name is not None and holdout is not None:
        message = f"give either NAME ({name}) or --holdout ({holdout})"
        raise click.UsageError(message)
    if holdout is None and options["unit_type"] is not None:
        message = "--unit-type goes with --holdout; an experiment declares it"
        raise click.UsageError(message)


def analyzed(options: Mapping[str, Any]) -> Analyzed:
    """What the call names.

    Raises:
        ConfigError: No module is configured, or it cannot be used.
        UnknownExperimentError: There is no experiment of that name.
        AnalysisError: There is no holdout of that name, or it cannot be measured.
    """
    config, holdout = options["config"], options["holdout"]
    if holdout is None:
        experiment = _experiment(config, options["name"])
        return Analyzed(design=experiment, code=experiment_code(experiment))
    experiments = configured_experiments(config)
    design = holdout_design(holdout, experiments, unit_type=options["unit_type"])
    return Analyzed(design=design, code=holdout_code(configured_module(config), design))


def _experiment(config: str | None, name: str) -> type[Experiment]:
    """The experiment of that name.

    Raises:
        AnalysisError: It is the name of a holdout.
    """
    try:
        return configured_experiment(config, name)
    except UnknownExperimentError as error:
        declared = (each.declaration.holdouts for each in configured_experiments(config))
        if name not in {holdout.name for holdouts in declared for holdout in holdouts}:
            raise
        message = f"{name!r} is a holdout, not an experiment; measure it with --holdout"
        raise AnalysisError(message) from error
