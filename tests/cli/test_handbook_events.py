"""Events of the handbook's experiments, from `get(name, org=org, actor=user)` to `abkit analyze`."""

import importlib.util
import random
from pathlib import Path
from typing import Any

import pytest

from abkit import ExperimentManager, ExposureLogger
from abkit.sinks.files import FileSink

from ..handbook import Org, User, load_module, write_module
from .shop_project import abkit

ORGS, USERS = "ShowPluginsExperiment", "OnboardingExperiment"
CLICKED = "integration link clicked"
MONDAY, DAY = 1_793_577_600.0, 86_400.0  # 2026-11-02, 00:00 UTC
CONFIG = ("--config", "handbook_config")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the experiments, which have a metric, and the events of ten days."""
    folder = tmp_path_factory.mktemp("handbook")
    now, chance = [MONDAY], random.Random(11)  # noqa: S311 - not for secrets
    logger = ExposureLogger(FileSink(folder / "events"))
    manager = ExperimentManager(on_event=logger, clock=lambda: now[0], strict=True)
    for experiment in load_module(folder, 0.1).ACTIVE_EXPERIMENTS:
        manager.add(experiment, experiment.param_name)
    for unit in range(800):
        subjects: Any = {"org": Org(unit), "actor": User(10_000 + unit)}
        now[0] = MONDAY + DAY * 10 * unit / 800
        for name in manager:
            manager.log_exposure(name, **subjects)
        if chance.random() < (0.5 if manager.get(USERS, **subjects) == "1" else 0.2):
            now[0] += 1
            manager.track(CLICKED, **subjects)
    logger.close()
    module = write_module(folder, 0.1)
    text = module.read_text().replace("import OrgExp", "import Conversion, OrgExp")
    metrics = f'    metrics = [Conversion("{CLICKED}")]\n\n    def default_value'
    module.write_text(text.replace("    def default_value", metrics))
    return folder


@pytest.mark.parametrize(("name", "units"), [(ORGS, 800), (USERS, 800)])
def test_the_control_is_the_default_value(project: Path, name: str, units: int) -> None:
    shown = abkit(project, "analyze", name, "--events", "events", *CONFIG).stdout
    assert f"{units} units in 2 variants" in shown
    assert "0 (control)" in shown
    other = ("--control", "1", "--notebook", "deeper.ipynb")
    assert (
        "1 (control)"
        in abkit(project, "analyze", name, "--events", "events", *CONFIG, *other).stdout
    )


def test_a_period_after_the_data_is_answered_with_one_that_has_some(project: Path) -> None:
    analyze = ("analyze", USERS, "--events", "events", *CONFIG)
    (error,) = abkit(project, *analyze, "--from", "2027-01-01", code=2).stderr.splitlines()
    assert error == (
        "Error: events/exposures has no exposure of 'OnboardingExperiment' from 2027-01-01 UTC: all are of "
        "2026-11-02 to 2026-11-11 (10 days). Ask for --from 2026-11-02 --until 2026-11-12"
    )
    shown = abkit(project, *analyze, "--period", "7d", "--until", "2026-11-12").stdout
    assert "560 units in 2 variants" in shown
    assert "2026-11-05 to 2026-11-11 (7 days)" in shown


@pytest.mark.skipif(importlib.util.find_spec("apprise") is None, reason="needs apprise")
def test_it_is_watched_too(project: Path) -> None:
    shown = abkit(project, "watch", "--dry-run", "--events", "events", *CONFIG).stdout
    assert f"{ORGS}: 800 units" in shown
    assert f"{USERS}: 800 units" in shown
