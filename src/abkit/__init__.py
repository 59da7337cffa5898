"""A/B testing for Python applications: one class is the whole experiment."""

import sys
from collections.abc import Callable
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
    IdentityError,
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
from abkit.events import Action, Exposure, Identity
from abkit.experiments.declaring.experiment import (
    Experiment,
    OrgExperiment,
    UserExperiment,
    VisitorExperiment,
)
from abkit.former_modules import FormerModules
from abkit.lazy_names import lazy_names
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
    from abkit.experiments.deciding.run import Run
    from abkit.experiments.declaring.analysis_plan import AnalysisPlan
    from abkit.experiments.declaring.holdout import Holdout
    from abkit.experiments.declaring.layer import Layer
    from abkit.experiments.declaring.metrics import (
        ActiveDays,
        Average,
        Conversion,
        Distinct,
        Formula,
        Funnel,
        Mean,
        Quantile,
        Ratio,
        Retention,
        Sum,
        Total,
        Winsorize,
    )
    from abkit.experiments.declaring.script import ScriptExperiment
    from abkit.experiments.declaring.where import prop
    from abkit.experiments.in_bulk.assign import assign_many, reasons_many
    from abkit.experiments.in_bulk.sql import assignment_sql, reason_sql
    from abkit.exposure.logger import ExposureLogger

__all__ = [
    "AbkitError",
    "Action",
    "ActiveDays",
    "AnalysisError",
    "AnalysisPlan",
    "Assignment",
    "Average",
    "BernoulliFilter",
    "BernoulliTrial",
    "ConfigError",
    "Conversion",
    "DeclarationError",
    "DeliveryError",
    "Distinct",
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
    "Identity",
    "IdentityError",
    "Layer",
    "Mean",
    "MissingColumnError",
    "MissingExtraError",
    "MissingSubjectError",
    "NotificationError",
    "OperatorError",
    "OrgExperiment",
    "Params",
    "Quantile",
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
    "VisitorExperiment",
    "WeightedChoice",
    "Winsorize",
    "assign_many",
    "assignment_sql",
    "expt_manager",
    "force",
    "prop",
    "reason_sql",
    "reasons_many",
]

# Imported when they are first used: an experiment that only declares its variants needs none of them.
_LATER = {
    "ActiveDays": "abkit.experiments.declaring.metrics",
    "AnalysisPlan": "abkit.experiments.declaring.analysis_plan",
    "Average": "abkit.experiments.declaring.metrics",
    "BernoulliFilter": "abkit.assignment._planout",
    "BernoulliTrial": "abkit.assignment._planout",
    "Conversion": "abkit.experiments.declaring.metrics",
    "Distinct": "abkit.experiments.declaring.metrics",
    "ExposureLogger": "abkit.exposure.logger",
    "FastSample": "abkit.assignment._planout",
    "Formula": "abkit.experiments.declaring.metrics",
    "Funnel": "abkit.experiments.declaring.metrics",
    "Holdout": "abkit.experiments.declaring.holdout",
    "Layer": "abkit.experiments.declaring.layer",
    "Mean": "abkit.experiments.declaring.metrics",
    "Params": "abkit.assignment.params",
    "Quantile": "abkit.experiments.declaring.metrics",
    "RandomFloat": "abkit.assignment._planout",
    "RandomInteger": "abkit.assignment._planout",
    "Ratio": "abkit.experiments.declaring.metrics",
    "Retention": "abkit.experiments.declaring.metrics",
    "Run": "abkit.experiments.deciding.run",
    "Sample": "abkit.assignment._planout",
    "ScriptExperiment": "abkit.experiments.declaring.script",
    "Sum": "abkit.experiments.declaring.metrics",
    "Total": "abkit.experiments.declaring.metrics",
    "UniformChoice": "abkit.assignment._planout",
    "WeightedChoice": "abkit.assignment._planout",
    "Winsorize": "abkit.experiments.declaring.metrics",
    "__version__": "abkit.distribution",
    "assign_many": "abkit.experiments.in_bulk.assign",
    "assignment_sql": "abkit.experiments.in_bulk.sql",
    "force": "abkit.assignment.forcing",
    "prop": "abkit.experiments.declaring.where",
    "reason_sql": "abkit.experiments.in_bulk.sql",
    "reasons_many": "abkit.experiments.in_bulk.assign",
}

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__ = lazy_names(globals(), _LATER)

sys.meta_path.insert(0, FormerModules())
