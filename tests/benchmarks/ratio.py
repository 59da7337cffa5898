"""How long a loop takes, as a multiple of the bare PlanOut hash in the same process.

Both are timed in chunks that alternate, because a machine's speed drifts twofold within a run and the
ratio of neighbours hardly does; by processor time, so that other processes do not count, and so that
the threads of an SDK do. What still waits in a queue after a chunk is delivered before the next one, so
that nobody's thread works in another one's chunk. A burst at the end shows what a queue drops.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from math import sqrt
from statistics import median
from time import process_time
from typing import Any, TypeVar

from attrs import field, frozen, mutable

from .candidate import CYCLE, Candidate, Loop, cycle_of_ids

CHUNK = 4_000
BURST = 20_000
ROUNDS = 5

_Name = TypeVar("_Name")


@frozen
class Figure:
    """Some measurements of one thing.

    Attributes:
        values: In the order in which they were taken.
        received: How many exposures came to the sink; None: there is none.
        due: How many should have.
    """

    values: Sequence[float]
    received: int | None = None
    due: int | None = None

    @property
    def median(self) -> float:
        return median(self.values)


def bare_hash(units: Sequence[str]) -> list[int]:
    """The yardstick, xF."""
    return [
        int(hashlib.sha1(f"exp.var.{unit}".encode()).hexdigest()[:15], 16)  # noqa: S324 - PlanOut's
        for unit in units
    ]


def seconds(loop: Loop, units: Sequence[str]) -> tuple[float, list[Any]]:
    """How much processor time a loop takes, in all threads, and its answers."""
    start = process_time()
    answers = loop(units)
    return process_time() - start, answers


def ratios(candidates: Mapping[_Name, Candidate]) -> dict[_Name, Figure]:
    """Time all candidates in interleaved rounds.

    Raises:
        AssertionError: A candidate does not split the units 50/50.
    """
    trials = {name: _Trial(candidate) for name, candidate in candidates.items()}
    for _ in range(ROUNDS):
        for trial in trials.values():
            trial.run()
    for trial in trials.values():
        trial.burst()
    for name, trial in trials.items():
        assert_split(trial.variants, trial.due, of=str(name))
    return {name: trial.figure for name, trial in trials.items()}


def assert_split(variants: Counter[Any], units: int, *, of: str) -> None:
    """Within three standard errors of 50/50.

    Args:
        variants: How often each was given.
        units: To how many units.
        of: Whose variants they are.

    Raises:
        AssertionError: They are not.
    """
    share = variants.most_common(1)[0][1] / variants.total()
    fair = len(variants) == 2 and abs(share - 0.5) <= 3 * 0.5 / sqrt(units)
    assert fair, f"{of} does not split {units} units 50/50: {dict(variants)}"


@mutable
class _Trial:
    """A candidate and what came of it so far."""

    candidate: Candidate
    values: list[float] = field(factory=list)
    variants: Counter[Any] = field(factory=Counter)
    units: Iterator[int] = field(factory=count)
    received: int = 0
    given: int = 0

    def __attrs_post_init__(self) -> None:
        if self.candidate.seen_before:
            self.untimed(CYCLE)

    @property
    def due(self) -> int:
        """How many units were exposed, or, where nothing is, assigned."""
        return CYCLE if self.candidate.seen_before else self.given

    @property
    def figure(self) -> Figure:
        if self.candidate.received is None:
            return Figure(self.values)
        return Figure(self.values, self.received, self.due)

    def next(self, size: int) -> list[str]:
        """Ids that are new objects, as those of a request are."""
        if self.candidate.seen_before:
            return [unit for _ in range(-(-size // CYCLE)) for unit in cycle_of_ids()][:size]
        return [str(next(self.units)) for _ in range(size)]

    def run(self) -> None:
        """One round."""
        for _ in range(self.candidate.pairs):
            units = self.next(CHUNK)
            before = self.settle()
            reference, _ = seconds(bare_hash, units)
            took, variants = seconds(self.candidate.loop, units)
            self.received += self.settle() - before
            self.values.append(took / reference)
            self.variants.update(variants)
            self.given += CHUNK

    def burst(self) -> None:
        if self.candidate.received is not None and not self.candidate.seen_before:
            self.untimed(BURST)

    def untimed(self, size: int) -> None:
        before = self.settle()
        self.variants.update(self.candidate.loop(self.next(size)))
        self.received += self.settle() - before
        self.given += size

    def settle(self) -> int:
        return 0 if self.candidate.received is None else self.candidate.received()
