"""Sums in memory: those that were asked for last, as far as there is room."""

from collections import OrderedDict
from collections.abc import Iterator

from abkit.analysis.experiment_sums import ExperimentSums
from abkit.analysis.statistics.aggregates import Sums
from abkit.panel.questions import Question

MOST_SUMS = 40
"""The sums of so many questions are kept."""

MOST_BYTES = 256 * 2**20
"""They weigh no more than this. By the hour, the sums of one large experiment may have a quarter of it."""

FEWEST_SUMS = 2
"""These are kept whatever they weigh: a page is made of the sums by the plan, and of those
that are asked for."""

_NUMBER = 90
"""Bytes that a number in sums takes in memory, with its key and its place: 73 to 86 were measured."""


class KeptSums:
    """The sums that were asked for last. Whoever uses it holds a lock."""

    def __init__(self) -> None:
        self._sums: OrderedDict[Question, ExperimentSums] = OrderedDict()
        self._weights: dict[Question, int] = {}

    def get(self, question: Question) -> ExperimentSums | None:
        """The sums of a question; None if they are not kept."""
        if question in self._sums:
            self._sums.move_to_end(question)
        return self._sums.get(question)

    def put(self, question: Question, sums: ExperimentSums) -> None:
        """Keep the sums of a question, and no more of others than there is room for."""
        self._sums[question] = sums
        self._sums.move_to_end(question)
        self._weights[question] = weight(sums)
        while len(self._sums) > MOST_SUMS or (
            len(self._sums) > FEWEST_SUMS and self.weight > MOST_BYTES
        ):
            oldest, _ = self._sums.popitem(last=False)
            self._weights.pop(oldest, None)

    def forget(self, question: Question) -> None:
        """Keep the sums of a question no longer."""
        self._sums.pop(question, None)
        self._weights.pop(question, None)

    @property
    def weight(self) -> int:
        """About how many bytes all of them take."""
        return sum(self._weights.values())


def weight(sums: ExperimentSums) -> int:
    """About how many bytes sums take in memory."""
    return _NUMBER * sum(map(_numbers, _all_of(sums)))


def _all_of(sums: ExperimentSums) -> Iterator[Sums]:
    measured = sums.measured
    yield from measured.sums.values()
    for _, of_look in measured.looks:
        yield from of_look.values()
    for part in measured.parts:
        yield from part.sums.values()
        for stratum in part.strata:
            yield from stratum.values()
    for strata in (measured.strata, *measured.strata_of_looks):
        for stratum in strata:
            yield from stratum.values()


def _numbers(sums: Sums) -> int:
    return len(sums.shifts) + len(sums.totals) + len(sums.products) + len(sums.lacking)
