"""The manager and the logger together: what counts as an exposure, and of whom."""

from typing import Any

import pytest

from abkit import Experiment, ExperimentManager, Layer, OrgExperiment, UserExperiment, force
from abkit.exposure.dedup.memory import MemoryDedup
from abkit.exposure.logger import ExposureLogger
from abkit.sinks.memory import MemorySink

LAYER = Layer("checkout", size=10)


class Clock:
    """The time, in seconds since the epoch."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


@pytest.fixture
def manager(sink: MemorySink, clock: Clock) -> Any:
    with ExposureLogger(sink, dedup=MemoryDedup(clock=clock)) as logger:
        yield ExperimentManager(on_event=logger, strict=True, clock=clock)


def exposed(manager: ExperimentManager, sink: MemorySink) -> list[tuple[str, str]]:
    logger = manager.on_event
    assert isinstance(logger, ExposureLogger)
    assert logger.flush(10)
    return [(exposure.experiment, exposure.unit_id) for exposure in sink.exposures]


def test_asking_before_the_start_does_not_use_up_the_exposure(
    manager: ExperimentManager, sink: MemorySink, clock: Clock
) -> None:
    class Later(OrgExperiment):
        variants = ["0", "1"]
        starts = "2027-01-16T00:00:00Z"

    manager.add(Later)
    manager.log_exposure(Later, org=1)
    assert exposed(manager, sink) == []
    clock.now = 1_800_057_600.0  # the start, on the same UTC day or not
    manager.log_exposure(Later, org=1)
    assert exposed(manager, sink) == [("Later", "1")]


def test_only_the_experiment_that_has_the_unit_is_exposed_in_a_layer(
    manager: ExperimentManager, sink: MemorySink
) -> None:
    attributes: dict[str, Any] = {"variants": ["0", "1"], "layer": LAYER}
    manager.add(type("Low", (OrgExperiment,), {**attributes, "slots": range(5)}))
    manager.add(type("High", (OrgExperiment,), {**attributes, "slots": range(5, 10)}))
    for org in map(str, range(50)):
        manager.log_exposure("Low", org=org)
        manager.log_exposure("High", org=org)
    seen = exposed(manager, sink)
    assert sorted(seen) == sorted(
        ("Low" if LAYER.slot(org) < 5 else "High", org) for org in map(str, range(50))
    )


def test_an_organization_and_a_user_of_one_id_are_two_units(
    manager: ExperimentManager, sink: MemorySink
) -> None:
    class OfOrgs(OrgExperiment):
        variants = ["0"]
        salt = "shared"

    class OfUsers(UserExperiment):
        variants = ["0"]
        salt = "shared"

    manager.add(OfOrgs)
    manager.add(OfUsers)
    for _ in range(2):
        manager.log_exposure(OfOrgs, org=7, actor=7)
        manager.log_exposure(OfUsers, user=7)
    assert sorted(exposed(manager, sink)) == [("OfOrgs", "7"), ("OfUsers", "7")]


def test_one_user_of_many_exposes_the_organization_once(
    manager: ExperimentManager, sink: MemorySink
) -> None:
    manager.add(type("Shared", (OrgExperiment,), {"variants": ["0", "1"]}))
    for actor in range(20):
        manager.log_exposure("Shared", org=42, actor=actor)
    assert exposed(manager, sink) == [("Shared", "42")]


def test_a_new_salt_is_a_new_experiment(manager: ExperimentManager, sink: MemorySink) -> None:
    def salted(salt: str) -> type[Experiment]:
        return type("Again", (OrgExperiment,), {"variants": ["0"], "salt": salt})

    manager.add(salted("first run"))
    manager.log_exposure("Again", org=1)
    logger = manager.on_event
    manager.clear()
    manager.on_event = logger
    manager.add(salted("second run"))
    manager.log_exposure("Again", org=1)
    assert exposed(manager, sink) == [("Again", "1"), ("Again", "1")]
    assert [exposure.salt for exposure in sink.exposures] == ["first run", "second run"]


def test_being_forced_does_not_use_up_the_exposure(
    manager: ExperimentManager, sink: MemorySink
) -> None:
    manager.add(type("Forceable", (OrgExperiment,), {"variants": ["0", "1"]}))
    with force("Forceable", "1"):
        manager.log_exposure("Forceable", org=1)
    assert exposed(manager, sink) == []
    manager.log_exposure("Forceable", org=1)
    assert exposed(manager, sink) == [("Forceable", "1")]


def test_what_is_no_news_is_counted_though_no_event_is_made(
    manager: ExperimentManager, sink: MemorySink
) -> None:
    manager.add(type("Counted", (OrgExperiment,), {"variants": ["0", "1"]}))
    for _ in range(5):
        manager.log_exposure("Counted", org=1)
    assert exposed(manager, sink) == [("Counted", "1")]
    logger = manager.on_event
    assert isinstance(logger, ExposureLogger)
    assert logger.stats.deduplicated == 4


def test_a_logger_that_is_set_later_gets_the_exposures_from_then_on(
    manager: ExperimentManager, sink: MemorySink
) -> None:
    manager.add(type("Moved", (OrgExperiment,), {"variants": ["0"]}))
    manager.log_exposure("Moved", org=1)
    assert exposed(manager, sink) == [("Moved", "1")]
    caught: list[object] = []
    manager.on_event = caught.append
    manager.log_exposure("Moved", org=1)
    assert len(caught) == 1
    other = MemorySink()
    with ExposureLogger(other) as logger:
        manager.on_event = logger
        manager.log_exposure("Moved", org=1)
        assert exposed(manager, other) == [("Moved", "1")]
    assert len(sink.exposures) == 1


def test_settings_that_change_use_up_no_exposure(
    manager: ExperimentManager, sink: MemorySink
) -> None:
    settings: dict[str, Any] = {}
    manager.add(type("Ramped", (OrgExperiment,), {"variants": ["0"]}))
    manager.use_settings(settings, interval=0)
    manager.log_exposure("Ramped", org=1)
    settings["Ramped"] = {"enabled": False}
    manager.log_exposure("Ramped", org=2)
    del settings["Ramped"]
    manager.log_exposure("Ramped", org=1)
    manager.log_exposure("Ramped", org=2)
    assert exposed(manager, sink) == [("Ramped", "1"), ("Ramped", "2")]
