"""The public names are chosen, and importing them stays light."""

import subprocess
import sys

import grimp
import pytest

import abkit

NAMES = [
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

LIST_THIRD_PARTY = """
import sys
before = set(sys.modules)
import abkit

class Declared(abkit.OrgExperiment):
    variants = {"0": 0.5, "1": 0.5}

manager = abkit.ExperimentManager(strict=True)
manager.add(Declared)
manager.get(Declared, org=1)
roots = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*(root for root in roots if root not in sys.stdlib_module_names and root != "__main__"))
"""


def test_the_public_names_are_these() -> None:
    assert abkit.__all__ == NAMES == sorted(NAMES)
    assert all(getattr(abkit, name) is not None for name in NAMES)
    assert {*NAMES} <= {*dir(abkit)}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = abkit.nothing


def test_an_experiment_that_only_declares_needs_nothing_but_the_standard_library() -> None:
    ran = subprocess.run(
        [sys.executable, "-I", "-c", LIST_THIRD_PARTY], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["abkit"]


def test_importing_abkit_loads_little_of_the_standard_library() -> None:
    program = "import sys, abkit; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    )
    assert {"hashlib", "inspect", "json", "logging", "threading"}.isdisjoint(ran.stdout.split())


def test_importing_abkit_starts_no_thread() -> None:
    program = "import threading, abkit; print(threading.active_count())"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "1"


ENTRANCES = ("abkit.cli.", "abkit.integrations.", "abkit.sinks.", "abkit.testing")
"""Where users, commands and frameworks come in: what is imported there by name, nothing inside imports."""


def test_no_module_is_there_that_nothing_uses() -> None:
    graph = grimp.build_graph("abkit")
    unused = {
        module
        for module in graph.modules
        if not graph.find_modules_that_directly_import(module)
        and not graph.find_children(module)
        and not module.startswith(ENTRANCES)
    }
    assert unused == {"abkit.__main__"}
