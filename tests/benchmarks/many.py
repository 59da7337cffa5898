"""Many experiments in one manager: what a request pays for all of them, and for those that a page uses."""

from collections.abc import Callable
from time import process_time

from abkit import Experiment, ExperimentManager, OrgExperiment, UserExperiment
from abkit.integrations.per_request import experiments_payload

from .ratio import ROUNDS, Figure
from .row import Row

REGISTERED, USED = 500, 5
_REQUESTS = 20
_SHARE = 20
"""A hundredth of the experiments should take a twentieth of the time at most."""


def many_rows() -> list[Row]:
    """Time `all` and the payload, in turns."""
    manager = ExperimentManager(strict=True)
    for number in range(REGISTERED):
        manager.add(_experiment(number))
    used = [f"Number{number}" for number in range(0, REGISTERED, REGISTERED // USED)]
    ways: tuple[Callable[[str], object], ...] = (
        lambda unit: manager.all(org=unit, user=unit),
        lambda unit: manager.all(only=used, org=unit, user=unit),
        lambda unit: experiments_payload(manager, org=unit, user=unit),
        lambda unit: experiments_payload(manager, only=used, org=unit, user=unit),
    )
    rounds = [[_microseconds(way) for way in ways] for _ in range(ROUNDS)]
    everything, some, payload, small = [Figure(values) for values in zip(*rounds, strict=True)]
    return [
        *_pair("all()", everything, some),
        *_pair("payload", payload, small),
    ]


def _pair(what: str, everything: Figure, some: Figure) -> list[Row]:
    most = everything.median / _SHARE
    return [
        Row(what=f"{what}, {REGISTERED} experiments", by_id=everything, unit="us"),
        Row(what=f"{what}, only= {USED} of them", by_id=some, target=most, unit="us"),
    ]


def _experiment(number: int) -> type[Experiment]:
    base = OrgExperiment if number % 2 else UserExperiment
    return type(f"Number{number}", (base,), {"variants": {"0": 0.5, "1": 0.5}})


def _microseconds(way: Callable[[str], object]) -> float:
    """Of one request."""
    start = process_time()
    for number in range(_REQUESTS):
        way(str(number))
    return 1e6 * (process_time() - start) / _REQUESTS
