"""abkit's own candidates."""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from abkit import (
    ExperimentManager,
    Layer,
    Params,
    UserExperiment,
    VisitorExperiment,
    WeightedChoice,
)
from abkit.exposure.logger import ExposureLogger
from abkit.exposure.sticky.store import Choice, MemoryStickyStore, StickyKey
from abkit.integrations.visitors.cookie import VisitorCookieSigner
from abkit.sinks.memory import MemorySink

from .candidate import CYCLE, Candidate, Loop, cycle_of_ids

PAIRS = 5


class User:
    """What an application has at hand, and passes."""

    def __init__(self, id: str) -> None:  # noqa: A002 - the name that a subject's id has
        self.id = id


class Declared(UserExperiment):
    variants = {"0": 0.5, "1": 0.5}


class AmplitudeBucketing(UserExperiment):
    bucketing = "amplitude"
    variants = {"0": 0.5, "1": 0.5}


class InLayer(UserExperiment):
    variants = {"0": 0.5, "1": 0.5}
    layer = Layer("benchmark", size=10_000)
    slots = range(10_000)


class Sticky(UserExperiment):
    variants = {"0": 0.5, "1": 0.5}
    sticky = True


class OnVisitors(VisitorExperiment):
    variants = {"0": 0.5, "1": 0.5}


class OwnCode(UserExperiment):
    variants = {"0": 0.5, "1": 0.5}

    def assign(self, params: Params, user: Any) -> None:
        unit = getattr(user, "id", user)
        params.variant = WeightedChoice(choices=["0", "1"], weights=[0.5, 0.5], unit=unit)


@frozen
class Twice:
    """A candidate to which the bare id is passed, and one to which an object with an `id` is."""

    by_id: Candidate
    by_object: Candidate


def reading(experiment: type[UserExperiment]) -> Twice:
    """`get` of units that are all new."""
    manager = ExperimentManager(strict=True)
    manager.add(experiment)
    name = experiment.__name__
    return Twice(
        Candidate(lambda units: [manager.get(name, user=unit) for unit in units], pairs=PAIRS),
        Candidate(
            lambda units: [manager.get(name, user=User(unit)) for unit in units], pairs=PAIRS
        ),
    )


def recalling() -> Twice:
    """`get` of units of a sticky experiment that this process knows to keep a variant."""
    store, name = MemoryStickyStore(), Sticky.name
    halves = zip(cycle_of_ids(), "01" * (CYCLE // 2), strict=True)
    store.set([Choice(StickyKey(name, "user", unit), variant) for unit, variant in halves])
    manager = ExperimentManager(strict=True, sticky_store=store)
    manager.add(Sticky)
    return Twice(
        Candidate(
            lambda units: [manager.get(name, user=unit) for unit in units],
            seen_before=True,
            pairs=PAIRS,
        ),
        Candidate(
            lambda units: [manager.get(name, user=User(unit)) for unit in units],
            seen_before=True,
            pairs=PAIRS,
        ),
    )


def verifying() -> Twice:
    """`get` of visitors whose cookies are verified; the thousand of them come again and again."""
    signer = VisitorCookieSigner("of the benchmark")
    cookies = {unit: signer.write(f"v-{int(unit):032x}", now=0) for unit in cycle_of_ids()}
    manager = ExperimentManager(strict=True)
    manager.add(OnVisitors)
    name = OnVisitors.name
    return Twice(
        Candidate(
            lambda units: [manager.get(name, visitor=signer.read(cookies[unit])) for unit in units],
            seen_before=True,
            pairs=PAIRS,
        ),
        Candidate(
            lambda units: [
                manager.get(name, visitor=User(signer.read(cookies[unit]) or "")) for unit in units
            ],
            seen_before=True,
            pairs=PAIRS,
        ),
    )


def exposing(*, seen_before: bool, delivers: bool = False) -> Twice:
    """`get` and `log_exposure`, to a sink in memory.

    Args:
        seen_before: The units are known.
        delivers: The time includes that everything comes to the sink.
    """

    def candidate(make: Callable[[ExperimentManager], Loop]) -> Candidate:
        manager = ExperimentManager(strict=True)
        manager.add(Declared)
        sink = MemorySink()
        manager.on_event = logger = ExposureLogger(sink)
        asks = make(manager)
        taken = 0

        def received() -> int:
            nonlocal taken
            assert logger.flush()
            taken += len(sink.events)
            sink.events.clear()
            return taken

        def asks_and_delivers(units: Sequence[str]) -> list[Any]:
            variants = asks(units)
            assert logger.flush()
            return variants

        loop = asks_and_delivers if delivers else asks
        return Candidate(loop, received, seen_before, pairs=PAIRS)

    return Twice(candidate(_exposes_ids), candidate(_exposes_objects))


def _exposes_ids(manager: ExperimentManager) -> Loop:
    def loop(units: Sequence[str]) -> list[Any]:
        variants = []
        for unit in units:
            variants.append(manager.get("Declared", user=unit))
            manager.log_exposure("Declared", user=unit)
        return variants

    return loop


def _exposes_objects(manager: ExperimentManager) -> Loop:
    def loop(units: Sequence[str]) -> list[Any]:
        variants = []
        for unit in units:
            user = User(unit)
            variants.append(manager.get("Declared", user=user))
            manager.log_exposure("Declared", user=user)
        return variants

    return loop
