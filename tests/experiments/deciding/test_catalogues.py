"""The catalogue is found where the experiments are, or where pyproject.toml says."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from abkit import ConfigError, DeclarationError, ExperimentManager, OrgExperiment
from abkit.analysis import Design
from abkit.cli.config import configured_catalogue
from abkit.experiments.checking.check import problems
from abkit.experiments.deciding.active import active_experiments, experiments_module
from abkit.experiments.deciding.catalogues import declaration_with_metrics

CATALOGUE = 'from abkit import Conversion\nMETRICS = [Conversion("signed up")]\n'
EXPERIMENT = """
from abkit import OrgExperiment

class Buttons(OrgExperiment):
    variants = ["0", "1"]
    metrics = ["signed up"]

ACTIVE_EXPERIMENTS = [Buttons]
"""

Write = Callable[..., None]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write modules, and what stands under [tool.abkit]."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(tool: str = "", **modules: str) -> None:
        (tmp_path / "pyproject.toml").write_text(f"[tool.abkit]\n{tool}\n")
        for name, text in modules.items():
            monkeypatch.delitem(sys.modules, name, raising=False)
            (tmp_path / f"{name}.py").write_text(text)

    return write


def test_the_metrics_of_the_module_are_used_when_it_is_loaded(project: Write) -> None:
    project(catalogue_one=CATALOGUE + EXPERIMENT)
    manager = ExperimentManager()
    manager.load("catalogue_one")
    (metric,) = manager.declaration("Buttons").metrics
    assert type(metric).__name__ == "Conversion"


def test_a_name_that_the_module_does_not_have_is_an_error_when_it_is_loaded(project: Write) -> None:
    project(catalogue_two=CATALOGUE.replace("signed up", "signed in") + EXPERIMENT)
    with pytest.raises(DeclarationError, match="Did you mean 'signed in'"):
        active_experiments("catalogue_two")


def test_the_catalogue_may_be_a_module_of_its_own(project: Write) -> None:
    project('metrics = "catalogue_own"', catalogue_own=CATALOGUE, catalogue_three=EXPERIMENT)
    (experiment,) = active_experiments("catalogue_three")
    assert problems([experiment]) == ()
    assert Design.of(experiment).metrics[0].binary


NAMED = CATALOGUE.replace('"signed up"', '"signed up", goal=0.5')


def test_the_metrics_of_the_configured_module_are_used_before_those_of_a_module_of_its_own(
    project: Write,
) -> None:
    project(
        'config = "catalogue_seven"\nmetrics = "catalogue_six"',
        catalogue_six=NAMED,
        catalogue_seven=CATALOGUE + "ACTIVE_EXPERIMENTS = []\n",
        catalogue_eight=EXPERIMENT,
    )
    (experiment,) = active_experiments("catalogue_eight")
    assert Design.of(experiment).metrics[0].goal is None
    catalogue = configured_catalogue(None)
    assert catalogue is not None
    assert catalogue.where == "METRICS of catalogue_seven"


def test_a_module_of_its_own_is_used_where_the_configured_one_has_no_metrics(
    project: Write,
) -> None:
    project(
        'config = "catalogue_nine"\nmetrics = "catalogue_ten"',
        catalogue_nine=EXPERIMENT,
        catalogue_ten=NAMED,
    )
    (experiment,) = active_experiments("catalogue_nine")
    assert Design.of(experiment).metrics[0].goal == 0.5
    catalogue = configured_catalogue(None)
    assert catalogue is not None
    assert catalogue.where == "METRICS of catalogue_ten"


def test_a_list_without_metrics_is_a_catalogue_that_has_none(project: Write) -> None:
    empty = "METRICS = []\n" + EXPERIMENT.replace('["signed up"]', "[]")
    project(
        'config = "catalogue_eleven"\nmetrics = "catalogue_twelve"',
        catalogue_eleven=empty,
        catalogue_twelve=CATALOGUE,
    )
    catalogue = configured_catalogue(None)
    assert catalogue is not None
    assert (catalogue.where, len(catalogue)) == ("METRICS of catalogue_eleven", 0)
    module = experiments_module("catalogue_eleven")
    by_name: Any = type(
        "ByName",
        (OrgExperiment,),
        {"variants": ["0", "1"], "metrics": ["signed up"], "__module__": module.__name__},
    )
    with pytest.raises(DeclarationError, match="METRICS of catalogue_eleven does not have"):
        declaration_with_metrics(by_name)


def test_without_a_catalogue_requests_are_served_and_nothing_is_analyzed(project: Write) -> None:
    project(catalogue_four=EXPERIMENT)
    manager = ExperimentManager()
    manager.load("catalogue_four")
    assert manager.get("Buttons", org=1) in {"0", "1"}
    (experiment,) = active_experiments("catalogue_four")
    (problem,) = problems([experiment])
    assert problem.startswith(
        "Buttons: uses metrics by name ('signed up'), and there is no catalogue"
    )
    with pytest.raises(DeclarationError, match="there is no catalogue"):
        Design.of(experiment)
    with pytest.raises(DeclarationError, match="there is no catalogue"):
        Design.of(experiment.declaration)


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        ('metrics = "no_such_module"', "there is no module 'no_such_module'"),
        ('metrics = "catalogue_five"', "catalogue_five has no list METRICS"),
        ("metrics = 3", "must be a text, not 3"),
    ],
)
def test_a_wrong_place_is_said(project: Write, tool: str, says: str) -> None:
    project(tool, catalogue_five=EXPERIMENT)
    (experiment,) = active_experiments("catalogue_five")
    with pytest.raises(ConfigError, match=says):
        Design.of(experiment)
