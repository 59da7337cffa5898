"""A/B testing for Python applications: one class is the whole experiment."""

from typing import TYPE_CHECKING, Any

from abkit.assignment.assignment import Assignment, Reason
from abkit.errors import (
    AbkitError,
    AnalysisError,
    ConfigError,
    DeclarationError,
    DeliveryError,
    DuplicateExperimentError,
    EmptyDataError,
    MissingColumnError,
    MissingExtraError,
    MissingSubjectError,
    NotificationError,
    OperatorError,
    SubjectMismatchError,
    TooFewVariantsError,
    UnitsError,
    UnknownExperimentError,
    UnknownNameError,
)
from abkit.events import Action, Exposure
from abkit.experiments.experiment import Experiment, OrgExperiment, UserExperiment
from abkit.manager import ExperimentManager, expt_manager

if TYPE_CHECKING:
    from abkit.assignment._planout import (
        BernoulliFilter,
        BernoulliTrial,
        FastSample,
        RandomFloat,
        RandomInteger,
        Sample,
        UniformChoice,
        WeightedChoice,
    )
    from abkit.assignment.forcing import force
    from abkit.assignment.params import Params
    from abkit.distribution import __version__ as __version__
    from abkit.experiments.bulk import assign_many, reasons_many
    from abkit.experiments.layer import Holdout, Layer
    from abkit.experiments.metrics import (
        Average,
        Conversion,
        Formula,
        Funnel,
        Mean,
        Ratio,
        Retention,
        Sum,
        Total,
        Winsorize,
    )
    from abkit.experiments.run import Run
    from abkit.experiments.script import ScriptExperiment
    from abkit.experiments.sql import assignment_sql, reason_sql
    from abkit.exposure.logger import ExposureLogger

__all__ = [
    "AbkitError",
    "Action",
    "AnalysisError",
    "Assignment",
    "Average",
    "BernoulliFilter",
    "BernoulliTrial",
    "ConfigError",
    "Conversion",
    "DeclarationError",
    "DeliveryError",
    "DuplicateExperimentError",
    "EmptyDataError",
    "Experiment",
    "ExperimentManager",
    "Exposure",
    "ExposureLogger",
    "FastSample",
    "Formula",
    "Funnel",
    "Holdout",
    "Layer",
    "Mean",
    "MissingColumnError",
    "MissingExtraError",
    "MissingSubjectError",
    "NotificationError",
    "OperatorError",
    "OrgExperiment",
    "Params",
    "RandomFloat",
    "RandomInteger",
    "Ratio",
    "Reason",
    "Retention",
    "Run",
    "Sample",
    "ScriptExperiment",
    "SubjectMismatchError",
    "Sum",
    "TooFewVariantsError",
    "Total",
    "UniformChoice",
    "UnitsError",
    "UnknownExperimentError",
    "UnknownNameError",
    "UserExperiment",
    "WeightedChoice",
    "Winsorize",
    "assign_many",
    "assignment_sql",
    "expt_manager",
    "force",
    "reason_sql",
    "reasons_many",
]

# Imported when they are first used: an experiment that only declares its variants needs none of them.
_LATER = {
    "Average": "abkit.experiments.metrics",
    "BernoulliFilter": "abkit.assignment._planout",
    "BernoulliTrial": "abkit.assignment._planout",
    "Conversion": "abkit.experiments.metrics",
    "ExposureLogger": "abkit.exposure.logger",
    "FastSample": "abkit.assignment._planout",
    "Formula": "abkit.experiments.metrics",
    "Funnel": "abkit.experiments.metrics",
    "Holdout": "abkit.experiments.layer",
    "Layer": "abkit.experiments.layer",
    "Mean": "abkit.experiments.metrics",
    "Params": "abkit.assignment.params",
    "RandomFloat": "abkit.assignment._planout",
    "RandomInteger": "abkit.assignment._planout",
    "Ratio": "abkit.experiments.metrics",
    "Retention": "abkit.experiments.metrics",
    "Run": "abkit.experiments.run",
    "Sample": "abkit.assignment._planout",
    "ScriptExperiment": "abkit.experiments.script",
    "Sum": "abkit.experiments.metrics",
    "Total": "abkit.experiments.metrics",
    "UniformChoice": "abkit.assignment._planout",
    "WeightedChoice": "abkit.assignment._planout",
    "Winsorize": "abkit.experiments.metrics",
    "__version__": "abkit.distribution",
    "assign_many": "abkit.experiments.bulk",
    "assignment_sql": "abkit.experiments.sql",
    "force": "abkit.assignment.forcing",
    "reason_sql": "abkit.experiments.sql",
    "reasons_many": "abkit.experiments.bulk",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    found = getattr(import_module(_LATER[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
