"""Who is exposed to a holdout, when, and on which side."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import (
    Experiment,
    ExperimentManager,
    ExposureLogger,
    Holdout,
    Layer,
    OrgExperiment,
    Params,
    Reason,
    Run,
    UniformChoice,
    force,
)
from abkit.events import Event, Exposure
from abkit.exposure.sticky.store import MemoryStickyStore
from abkit.sinks.memory import MemorySink

from ..declared import UNIT_IDS

Q3 = Holdout("q3", 0.3)
UNITS = [*map(str, range(300))]


def experiment(name: str = "Search", **attributes: Any) -> type[Experiment]:
    own = {"variants": ["old", "new"], "holdouts": [Q3], **attributes}
    return type(name, (OrgExperiment,), own)


def exposed(
    *experiments: type[Experiment], units: Sequence[str] = UNITS, **settings: Any
) -> list[Exposure]:
    """What a destination gets if each unit meets each experiment twice."""
    sink = MemorySink()
    with ExposureLogger(sink) as logger:
        manager = ExperimentManager(on_event=logger, strict=True, clock=lambda: 1000.0)
        for each in experiments:
            manager.add(each)
        if settings:
            manager.use_settings({each.name: settings for each in experiments})
        for unit in [*units, *units]:
            for each in experiments:
                manager.log_exposure(each, org=unit)
    return [event for event in sink.events if isinstance(event, Exposure)]


def sides(exposures: list[Exposure], holdout: str = "q3") -> dict[str, set[str]]:
    """The units of each side."""
    found: dict[str, set[str]] = {"holdout": set(), "shipped": set()}
    for each in exposures:
        if each.experiment == holdout:
            found[str(each.variant)].add(each.unit_id)
    return found


def held(holdout: Holdout = Q3) -> set[str]:
    """The units that a holdout keeps out, by the reasons of an experiment under it."""
    manager = ExperimentManager(strict=True)
    manager.add(experiment(holdouts=[holdout]))
    return {u for u in UNITS if manager.assign("Search", org=u).reason is Reason.HOLDOUT}


@given(
    units=st.lists(UNIT_IDS, min_size=1, max_size=20, unique=True),
    share=st.one_of(st.sampled_from([0.5, 1e-9, 1]), st.floats(0.01, 1)),
    rollout=st.sampled_from([0.5, 1.0]),
)
def test_a_unit_is_on_one_side_and_its_reason_says_on_which(
    units: list[str], share: float, rollout: float
) -> None:
    under = experiment(holdouts=[Holdout("q3", share)], rollout=rollout)
    free = experiment(holdouts=[], rollout=rollout)
    manager = ExperimentManager(strict=True)
    manager.add(under)
    reasons = {unit: manager.assign(under, org=unit).reason for unit in units}
    exposures = exposed(under, units=units)
    found = sides(exposures)
    would_be = {each.unit_id for each in exposed(free, units=units)}
    assert found["holdout"] | found["shipped"] == would_be
    assert not found["holdout"] & found["shipped"]
    assert found["holdout"] == {u for u in would_be if reasons[u] is Reason.HOLDOUT}
    assert {e.unit_id for e in exposures if e.experiment == "Search"} == found["shipped"]


def test_both_sides_are_exposed_once_however_many_experiments_they_meet() -> None:
    exposures = exposed(experiment("Search"), experiment("Cart"), experiment("Login"))
    counts = Counter(each.unit_id for each in exposures if each.experiment == "q3")
    assert counts == dict.fromkeys(UNITS, 1)
    assert sides(exposures)["holdout"] == held()


def test_an_exposure_says_which_holdout_and_its_share() -> None:
    manager = ExperimentManager(on_event=(events := list[Event]()).append, strict=True)
    manager.add(experiment(holdouts=[Holdout("q3", 1, salt="2026")]))
    manager.log_exposure("Search", org=42, actor=7, properties={"page": "home"})
    (event,) = events
    assert isinstance(event, Exposure)
    assert (event.experiment, event.salt) == ("q3", "2026")
    assert (event.unit_type, event.unit_id, event.variant) == ("org", "42", "holdout")
    assert (event.user_id, event.groups) == ("7", {"org": "42"})
    assert (event.properties, event.weights) == ({"page": "home"}, '{"holdout":1.0,"shipped":0.0}')


@pytest.mark.parametrize(
    "attributes",
    [
        {"rollout": 0.5},
        {"layer": Layer("l", size=10), "slots": range(5)},
        {"eligible": lambda self, org: int(org) % 2 == 0},
        {"enabled": False},
        {"starts": "2026-01-01"},
        {"forced": {"new": UNITS[:100]}},
    ],
    ids=["rollout", "layer", "eligible", "enabled", "starts", "forced"],
)
def test_who_would_not_take_part_is_on_neither_side(attributes: dict[str, Any]) -> None:
    would_be = {each.unit_id for each in exposed(experiment(**attributes, holdouts=[]))}
    found = sides(exposed(experiment(**attributes)))
    assert found["holdout"] == would_be & held()
    assert found["shipped"] == would_be - held()


def test_code_that_leaves_units_out_leaves_them_out_of_both_sides() -> None:
    class Search(OrgExperiment):
        variants = ["old", "new"]
        holdouts = [Q3]

        def assign(self, params: Params, org: Any) -> bool:
            params.variant = UniformChoice(choices=["old", "new"], unit=org)
            return int(org) % 3 == 0

    found = sides(exposed(Search))
    asked = {unit for unit in UNITS if int(unit) % 3 == 0}
    assert found == {"holdout": asked & held(), "shipped": asked - held()}


def test_a_winner_is_for_all_but_the_held_out_and_is_still_measured() -> None:
    manager = ExperimentManager(strict=True, settings={"Search": {"winner": "new"}})
    manager.add(experiment())
    reasons = {unit: manager.assign("Search", org=unit)[-3:-1] for unit in UNITS}
    assert {u for u in UNITS if reasons[u] == ("old", Reason.HOLDOUT)} == held()
    assert {u for u in UNITS if reasons[u] == ("new", Reason.INACTIVE)} == {*UNITS} - held()
    exposures = exposed(experiment(), winner="new")
    assert sides(exposures) == {"holdout": held(), "shipped": {*UNITS} - held()}
    assert {each.experiment for each in exposures} == {"q3"}


def test_what_is_switched_off_is_off_for_both_sides() -> None:
    assert exposed(experiment(), winner="new", enabled=False) == []


def test_each_of_several_holdouts_has_its_own_sides() -> None:
    year = Holdout("2026", 0.2)
    found = exposed(experiment(holdouts=[Q3, year]))
    assert sides(found) == {"holdout": held(), "shipped": {*UNITS} - held()}
    assert sides(found, "2026") == {"holdout": held(year), "shipped": {*UNITS} - held(year)}
    enrolled = {each.unit_id for each in found if each.experiment == "Search"}
    assert enrolled == {*UNITS} - held() - held(year)


def test_a_holdout_that_keeps_nobody_out_is_over() -> None:
    assert sides(exposed(experiment(holdouts=[Holdout("q3", 0)]))) == sides([])


def test_a_unit_that_kept_its_variant_from_before_is_on_the_side_of_its_hash() -> None:
    store = MemoryStickyStore()
    manager = ExperimentManager(strict=True, on_event=list[Event]().append, sticky_store=store)
    manager.add(experiment(sticky=True, holdouts=[]))
    for unit in UNITS:
        manager.log_exposure("Search", org=unit)
    assert manager.sticky is not None
    assert manager.sticky.flush()
    events = list[Event]()
    later = ExperimentManager(strict=True, on_event=events.append, sticky_store=store)
    later.add(experiment(sticky=True))
    for unit in UNITS:
        later.log_exposure("Search", org=unit)
    exposures = [event for event in events if isinstance(event, Exposure)]
    assert {each.unit_id for each in exposures if each.experiment == "Search"} == {*UNITS}
    assert sides(exposures) == {"holdout": held(), "shipped": {*UNITS} - held()}


def test_a_forced_unit_is_on_neither_side() -> None:
    events = list[Event]()
    manager = ExperimentManager(strict=True, on_event=events.append)
    manager.add(experiment())
    with force("Search", "new"):
        for unit in UNITS:
            manager.log_exposure("Search", org=unit)
            manager.log_exposure("Search", org=unit, even_if_forced=True)
    assert {each.experiment for each in events if isinstance(each, Exposure)} == {"Search"}


def test_code_that_fails_for_a_held_out_unit_is_reported_as_for_any_other() -> None:
    class Search(OrgExperiment):
        variants = ["old", "new"]
        holdouts = [Holdout("q3", 1)]

        def assign(self, params: Params, org: Any) -> None:
            raise ZeroDivisionError

    manager = ExperimentManager(strict=False, on_event=(events := list[Event]()).append)
    manager.add(Search)
    assert manager.get("Search", org=1) == "old"
    assert not manager.errors
    manager.log_exposure("Search", org=1)
    assert events == []
    assert manager.errors == {("Search", "ZeroDivisionError"): 1}


def test_another_handler_has_the_exposures_from_then_on() -> None:
    first, second = list[Event](), list[Event]()
    manager = ExperimentManager(strict=True, on_event=first.append)
    manager.add(experiment(holdouts=[Holdout("q3", 1)]))
    manager.log_exposure("Search", org=1)
    manager.on_event = second.append
    manager.log_exposure("Search", org=1)
    assert len(first) == len(second) == 1


@pytest.mark.parametrize("unit", UNITS[:20])
def test_a_run_exposes_to_the_same_as_the_manager(unit: str) -> None:
    events = list[Event]()
    under = experiment(rollout=0.5)
    run = Run(under, on_event=events.append, org=unit)
    for _ in range(2):
        run.get("variant")
    found = [(e.experiment, e.variant, e.weights) for e in events if isinstance(e, Exposure)]
    expected = exposed(under, units=[unit])
    assert found == [(each.experiment, each.variant, each.weights) for each in expected]
