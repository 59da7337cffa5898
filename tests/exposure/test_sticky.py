"""A unit of a sticky experiment keeps the variant that it was exposed to, and no request suffers for it."""

import logging
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from abkit import (
    ConfigError,
    DeclarationError,
    Experiment,
    ExperimentManager,
    Holdout,
    Layer,
    OrgExperiment,
    Params,
    Reason,
    UniformChoice,
    WeightedChoice,
    force,
)
from abkit.events import Event
from abkit.exposure.fanout import FanOut
from abkit.exposure.logger import ExposureLogger
from abkit.exposure.sticky.store import Choice, MemoryStickyStore, StickyKey
from abkit.sinks.memory import MemorySink

from .test_delivery import wait_for

UNITS = range(200)


def declared(**attributes: Any) -> type[Experiment]:
    kept = {"variants": {"0": 1, "1": 1}, "sticky": True}
    return type("Kept", (OrgExperiment,), {**kept, **attributes})


@pytest.fixture
def store() -> MemoryStickyStore:
    return MemoryStickyStore()


def deployed(
    experiment: type[Experiment], store: Any, *, strict: bool = True, **keywords: Any
) -> ExperimentManager:
    """A process that has this declaration, and knows nothing but what the store does."""
    manager = ExperimentManager(strict=strict, on_event=list[Event]().append)
    manager.use_sticky_store(store, **keywords)
    manager.add(experiment)
    return manager


def exposed(manager: ExperimentManager, units: Sequence[int] = UNITS) -> dict[int, Any]:
    """The units that take part, each exposed to its variant, as the store keeps it."""
    for unit in units:
        manager.log_exposure("Kept", org=unit)
    assert manager.sticky is not None
    assert manager.sticky.flush()
    answers = {unit: manager.assign("Kept", org=unit) for unit in units}
    return {unit: answer.variant for unit, answer in answers.items() if answer.enrolled}


def variants(manager: ExperimentManager, units: Any = UNITS) -> dict[int, Any]:
    return {unit: manager.get("Kept", org=unit) for unit in units}


def nobody(self: Experiment, org: Any) -> bool:
    return False


def assign_anew(self: Experiment, params: Params, org: Any) -> None:
    params.variant = UniformChoice(choices=["0", "1"], unit=org.id, salt="anew")
    params.colour = "red" if params.variant == "1" else "blue"


@pytest.mark.parametrize(
    "change",
    [
        {"variants": {"0": 1, "1": 9}},
        {"variants": {"1": 1, "0": 1}},
        {"variants": {"0": 1, "2": 1, "1": 1}},
        {"rollout": 0.0},
        {"salt": "another"},
        {"layer": Layer("late", size=10), "slots": [0]},
        {"holdouts": [Holdout("late", 1.0)]},
        {"eligible": nobody},
        {"bucketing": "amplitude"},
        {"frozen": True},
        {"assign": assign_anew},
    ],
    ids=lambda change: next(iter(change)),
)
def test_exposed_units_keep_their_variant_whatever_decides_later(
    store: MemoryStickyStore, change: dict[str, Any]
) -> None:
    before = exposed(deployed(declared(), store))
    manager = deployed(declared(**change), store)
    assert len(before) == len(UNITS)
    for _ in range(2):  # from the store, then from memory
        assert variants(manager) == before
    assert {manager.assign("Kept", org=unit).reason for unit in UNITS} == {Reason.ASSIGNED}
    fresh = deployed(declared(**change), MemoryStickyStore())
    assert variants(fresh) != before


def test_a_unit_that_was_asked_for_but_not_exposed_keeps_nothing(store: MemoryStickyStore) -> None:
    manager = deployed(declared(), store)
    variants(manager)
    assert manager.sticky is not None
    assert manager.sticky.flush()
    assert len(store) == 0


def test_what_somebody_wants_now_has_precedence(store: MemoryStickyStore) -> None:
    (unit, had), *_ = exposed(deployed(declared(), store)).items()
    other = "0" if had == "1" else "1"
    manager = deployed(declared(salt="another"), store)
    with force("Kept", other):
        assert manager.assign("Kept", org=unit)[3:5] == (other, Reason.FORCED)
    for settings, reason in (
        ({"forced": {other: [unit]}}, Reason.FORCED),
        ({"winner": other}, Reason.INACTIVE),
        ({"enabled": False}, Reason.INACTIVE),
    ):
        manager.use_settings({"Kept": settings})
        assert manager.assign("Kept", org=unit).reason is reason
    manager.use_settings({"Kept": {}})
    assert manager.assign("Kept", org=unit)[3:5] == (had, Reason.ASSIGNED)


def test_a_forced_exposure_is_not_kept(store: MemoryStickyStore) -> None:
    manager = deployed(declared(), store)
    with force("Kept", "1"):
        manager.log_exposure("Kept", org=1, even_if_forced=True)
    assert manager.sticky is not None
    assert manager.sticky.flush()
    assert len(store) == 0


def test_an_exposure_that_was_dropped_is_not_kept(store: MemoryStickyStore) -> None:
    for make in (ExposureLogger, FanOut):
        logger = make(MemorySink())
        manager = deployed(declared(), store)
        manager.on_event = logger
        logger.close()
        manager.log_exposure("Kept", org=1)
        assert manager.sticky is not None
        assert manager.sticky.flush()
        assert len(store) == 0


def test_an_exposure_that_is_no_news_is_kept_if_it_is_not_yet(store: MemoryStickyStore) -> None:
    logger = ExposureLogger(MemorySink())
    for _ in range(2):
        manager = deployed(declared(), store := MemoryStickyStore())
        manager.on_event = logger
        manager.log_exposure("Kept", org=1)
        assert manager.sticky is not None
        assert manager.sticky.flush()
        assert len(store) == 1
    logger.close()


def test_a_variant_that_is_not_declared_any_more_is_ignored_counted_and_replaced(
    store: MemoryStickyStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.set([Choice(StickyKey("Kept", "org", "1"), "gone")])
    manager = deployed(declared(), store)
    by_hash = deployed(declared(), MemoryStickyStore()).get("Kept", org=1)
    with caplog.at_level(logging.WARNING, "abkit"):
        for _ in range(3):
            assert manager.get("Kept", org=1) == by_hash
    assert manager.sticky is not None
    assert manager.sticky.stats.gone == 3
    assert len(caplog.records) == 1
    assert "'gone', which is not declared any more" in manager.explain("Kept", org=1).steps[6].found
    exposed(manager, [1])
    assert store.get(StickyKey("Kept", "org", "1")) == by_hash


def test_variants_are_given_as_they_are_declared(store: MemoryStickyStore) -> None:
    for choices in ([0, 1], [False, True], [0.5, 1.5]):
        name = f"Kept{type(choices[0]).__name__}"
        first = deployed(declared(variants=choices, name=name), store)
        second = deployed(declared(variants=choices, name=name, salt="another"), store)
        for unit in UNITS:
            first.log_exposure(name, org=unit)
        assert first.sticky is not None
        assert first.sticky.flush()
        for unit in UNITS:
            had, has = first.get(name, org=unit), second.get(name, org=unit)
            assert (type(had), had) == (type(has), has)


class Coded(OrgExperiment):
    name = "Kept"
    control = 0
    sticky = True

    def assign(self, params: Params, org: Any) -> None:
        params.variant = WeightedChoice(choices=[0, 1], weights=[1, 1], unit=org.id)


def test_variants_that_only_code_knows_are_kept_too(store: MemoryStickyStore) -> None:
    before = exposed(deployed(Coded, store))

    class Recoded(Coded):
        name = "Kept"

        def assign(self, params: Params, org: Any) -> bool:  # type: ignore[override]
            params.variant = WeightedChoice(choices=[0, 1], weights=[1, 1], unit=[org.id, "x"])
            return False

    assert variants(deployed(Recoded, store)) == before


def test_other_parameters_go_with_the_variant_that_is_kept(store: MemoryStickyStore) -> None:
    before = exposed(deployed(declared(), store))
    manager = deployed(declared(assign=assign_anew), store)
    for unit, variant in before.items():
        params = manager.assign("Kept", org=unit).params
        assert params == {"variant": variant, "colour": "red" if variant == "1" else "blue"}


def test_code_that_forces_a_unit_has_precedence(store: MemoryStickyStore) -> None:
    def assign(self: Experiment, params: Params, org: Any) -> None:
        params.variant = "0"

    exposed(deployed(declared(), store))
    manager = deployed(declared(assign=assign), store)
    assert {manager.assign("Kept", org=unit)[3:5] for unit in UNITS} == {("0", Reason.FORCED)}


def test_two_processes_that_expose_a_unit_at_once_agree_in_the_end(
    store: MemoryStickyStore,
) -> None:
    one = deployed(declared(), store, recheck=0.0)
    other = deployed(declared(variants={"1": 1, "0": 1}), store, recheck=0.0)
    before, _ = variants(one), variants(other)
    exposed(one)
    exposed(other)
    assert variants(one) == variants(other) == before


def test_units_beyond_what_is_remembered_are_looked_up_again(store: MemoryStickyStore) -> None:
    before = exposed(deployed(declared(), store))
    manager = deployed(declared(salt="another"), store, max_units=20)
    for _ in range(2):
        assert variants(manager) == before
    assert manager.sticky is not None
    assert manager.sticky.stats.looked_up == 2 * len(UNITS)


def test_a_unit_that_keeps_nothing_is_not_looked_up_again_at_once(store: MemoryStickyStore) -> None:
    manager = deployed(declared(), store, recheck=3600)
    for _ in range(3):
        variants(manager)
    assert manager.sticky is not None
    assert manager.sticky.stats.looked_up == len(UNITS)
    manager.use_settings({"Kept": {"frozen": True}})
    variants(manager)
    assert manager.sticky.stats.looked_up == 2 * len(UNITS)


class Broken:
    """A store that raises, hangs or refuses, as it is told."""

    def __init__(self) -> None:
        self.behind = MemoryStickyStore()
        self.error: Exception | None = None
        self.refused = ""
        self.open = threading.Event()
        self.open.set()

    def get(self, key: StickyKey, /) -> str | None:
        self.open.wait(60)
        if self.error is not None:
            raise self.error
        return self.behind.get(key)

    def set(self, choices: Sequence[Choice], /) -> None:
        self.open.wait(60)
        if self.error is not None or any(each.key.unit_id == self.refused for each in choices):
            raise self.error or ValueError("refused")
        self.behind.set(choices)


@pytest.fixture
def broken() -> Iterator[Broken]:
    store = Broken()
    yield store
    store.open.set()
    store.error = None


def test_while_the_store_is_down_the_hash_decides_and_nothing_is_raised(
    broken: Broken, caplog: pytest.LogCaptureFixture
) -> None:
    broken.error = ConnectionError("gone")
    manager = deployed(declared(), broken, timeout=60)
    by_hash = variants(deployed(declared(), MemoryStickyStore()))
    with caplog.at_level(logging.WARNING, "abkit"):
        assert variants(manager) == by_hash
        for unit in UNITS:
            manager.log_exposure("Kept", org=unit)
        assert "the sticky store could not say" in manager.explain("Kept", org=1).steps[6].found
        assert manager.sticky is not None
        assert not manager.sticky.flush(timeout=0.2)
        wait_for(lambda: any("could not keep" in each for each in caplog.messages))
    stats = manager.sticky.stats
    assert stats.unanswered == stats.looked_up == 2 * len(UNITS) + 1
    assert stats.waiting == len(UNITS)
    assert not manager.errors
    assert ["could not say" in each for each in caplog.messages].count(True) == 1
    assert ["could not keep" in each for each in caplog.messages].count(True) == 1
    broken.error = None
    assert manager.sticky.flush(timeout=60)
    assert len(broken.behind) == len(UNITS)


def test_what_this_process_knows_is_kept_while_the_store_is_down(broken: Broken) -> None:
    before = exposed(deployed(declared(), broken, timeout=60))
    manager = deployed(declared(salt="another"), broken, timeout=60)
    assert variants(manager) == before
    broken.error = ConnectionError("gone")
    assert variants(manager) == before


def test_what_could_not_be_looked_up_does_not_replace_what_is_kept(broken: Broken) -> None:
    before = exposed(deployed(declared(), broken, timeout=60))
    broken.error = ConnectionError("gone")
    manager = deployed(declared(variants={"1": 1, "0": 1}), broken, timeout=60)
    for unit in UNITS:
        manager.log_exposure("Kept", org=unit)
    broken.error = None
    assert manager.sticky is not None
    assert manager.sticky.flush(timeout=60)
    assert variants(deployed(declared(salt="another"), broken, timeout=60)) == before


def test_no_request_waits_for_a_store_that_hangs(broken: Broken) -> None:
    broken.open.clear()
    manager = deployed(declared(), broken, timeout=0.01)
    by_hash = variants(deployed(declared(), MemoryStickyStore()))
    assert variants(manager) == by_hash  # Otherwise it would take 200 minutes.
    for unit in UNITS:
        manager.log_exposure("Kept", org=unit)
    assert manager.sticky is not None
    assert manager.sticky.stats.unanswered == 2 * len(UNITS)


def test_a_unit_that_the_store_refuses_holds_up_no_other(broken: Broken) -> None:
    broken.refused = "7"
    manager = deployed(declared(), broken, timeout=60)
    for unit in UNITS:
        manager.log_exposure("Kept", org=unit)
    assert manager.sticky is not None
    assert manager.sticky.flush(timeout=60)
    assert (manager.sticky.stats.written, manager.sticky.stats.dropped) == (len(UNITS) - 1, 1)


def test_a_sticky_experiment_without_a_store_works_by_its_hash_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    manager = ExperimentManager(strict=True, on_event=list[Event]().append)
    manager.add(declared())
    with caplog.at_level(logging.ERROR, "abkit"):
        for unit in UNITS:
            manager.log_exposure("Kept", org=unit)
    (record,) = caplog.records
    assert "Kept is sticky, but the manager has no sticky store" in record.getMessage()
    assert manager.errors == {("Kept", "ConfigError"): 1}
    assert "there is no sticky store" in manager.explain("Kept", org=1).steps[6].found


def test_a_store_that_comes_later_counts_from_then_on(store: MemoryStickyStore) -> None:
    before = exposed(deployed(declared(), store))
    manager = ExperimentManager(strict=True)
    manager.add(declared(salt="another"))
    assert variants(manager) != before
    manager.use_sticky_store(store)
    assert variants(manager) == before
    manager.clear()
    assert manager.sticky is None


def test_an_experiment_that_is_not_sticky_keeps_nothing(store: MemoryStickyStore) -> None:
    manager = deployed(declared(sticky=False), store)
    exposed(manager)
    assert len(store) == 0
    assert manager.explain("Kept", org=1).steps[6].found == "no"


def test_what_is_no_store_is_refused(manager: ExperimentManager) -> None:
    wrong: Any
    for wrong in ({}, MemoryStickyStore, None):
        with pytest.raises(ConfigError, match="A sticky store is an object with get"):
            manager.use_sticky_store(wrong)
    with pytest.raises(ConfigError, match="timeout must be above 0"):
        manager.use_sticky_store(MemoryStickyStore(), timeout=0)


def test_frozen_needs_sticky() -> None:
    with pytest.raises(DeclarationError, match="declare `sticky = True`, and give the manager"):
        declared(sticky=False, frozen=True)
    with pytest.raises(DeclarationError, match="`sticky` must be True or False, not 'yes'"):
        declared(sticky="yes")


def test_nothing_is_dropped_when_the_store_goes_down_in_the_middle(broken: Broken) -> None:
    taken = 0

    def set_some(choices: Sequence[Choice], /) -> None:
        nonlocal taken
        if len(choices) > 1 or taken >= 20:
            raise ConnectionError("gone")
        taken += 1
        broken.behind.set(choices)

    manager = deployed(declared(), broken, timeout=60)
    assert manager.sticky is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(broken, "set", set_some)
        for unit in UNITS:
            manager.log_exposure("Kept", org=unit)
        assert not manager.sticky.flush(timeout=0.5)
    assert manager.sticky.flush(timeout=60)
    assert (len(broken.behind), manager.sticky.stats.dropped) == (len(UNITS), 0)


def test_parameters_that_follow_from_nothing_drawn_are_those_of_the_unit(
    store: MemoryStickyStore,
) -> None:
    def assign(self: Experiment, params: Params, org: Any) -> bool:
        params.colour = UniformChoice(choices=["red", "blue"], unit=org.id)
        params.variant = UniformChoice(choices=["0", "1"], unit=org.id, salt="anew")
        return not str(org.id).endswith("3")

    before = exposed(deployed(declared(), store))
    manager = deployed(declared(assign=assign), store)
    alone = deployed(declared(assign=assign), MemoryStickyStore())
    for unit, variant in before.items():
        found = manager.assign("Kept", org=unit)
        assert (found.variant, found.reason) == (variant, Reason.ASSIGNED)
        colour = alone.assign("Kept", org=unit).params["colour"]
        assert found.params == {"colour": colour, "variant": variant}
