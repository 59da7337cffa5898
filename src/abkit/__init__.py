"""A/B testing for Python applications: one class is the whole experiment."""

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
from abkit.assignment.assignment import Assignment, Reason
from abkit.assignment.forcing import force
from abkit.assignment.params import Params
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
    OperatorError,
    TooFewVariantsError,
    UnknownExperimentError,
)
from abkit.events import Action, Exposure
from abkit.experiments.experiment import Experiment, OrgExperiment, UserExperiment
from abkit.experiments.layer import Holdout, Layer
from abkit.experiments.metrics import Conversion, Mean, Sum, Total
from abkit.manager import ExperimentManager, expt_manager

__all__ = [
    "AbkitError",
    "Action",
    "AnalysisError",
    "Assignment",
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
    "FastSample",
    "Holdout",
    "Layer",
    "Mean",
    "MissingColumnError",
    "MissingExtraError",
    "MissingSubjectError",
    "OperatorError",
    "OrgExperiment",
    "Params",
    "RandomFloat",
    "RandomInteger",
    "Reason",
    "Sample",
    "Sum",
    "TooFewVariantsError",
    "Total",
    "UniformChoice",
    "UnknownExperimentError",
    "UserExperiment",
    "WeightedChoice",
    "expt_manager",
    "force",
]
