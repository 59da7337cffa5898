"""The sums of what a unit did, and the measures that follow from them, as columns of a query."""

from collections.abc import Callable, Collection
from datetime import timedelta

from attrs import frozen

from abkit.analysis.query.layout import Accumulator, Layout
from abkit.analysis.query.values import one_if
from abkit.analysis.reading.quoting import literal


@frozen(kw_only=True)
class UnitColumns:
    """The columns of a unit's sums and measures.

    Attributes:
        layout: Which measures are wanted.
        cuped: Whether what was done before the first exposure is wanted too.
    """

    layout: Layout
    cuped: bool

    def sums(self) -> str:
        """The sums over the rows of a unit, or of a period of it, as SQL: a0, ... and those from before."""
        now = [
            f"{_summed(a, past=0 if self.cuped else None)} as a{i}"
            for i, a in enumerate(self.layout.accumulators)
        ]
        if self.layout.values:
            count = _count(self.layout.without_value(), past=None)
            now.append(f"cast({count} as double) as valueless")
        if not self.cuped:
            return ",\n  ".join(now)
        past = [
            f"{_summed(self.layout.accumulators[i], past=1)} as past_{i}"
            for i in self._past_accumulators()
        ]
        present = [
            # Counted as the accumulators are, so that a database does it once where there is such a one.
            f"{one_if(' or '.join(map(_did_before, actions)))} as present_{i}"
            for i, actions in enumerate(self.layout.presences)
        ]
        return ",\n  ".join([*now, *past, *present])

    def measures(self, of: str, *, over: Callable[[timedelta], str], prefix: str = "") -> str:
        """The measures of each unit, as SQL; null where a metric waits for its window.

        Args:
            of: What the names of the accumulators begin with.
            over: Whether a unit's window is over, as SQL.
            prefix: What the names of the measures begin with.
        """
        layout = self.layout

        def counting(measure: str, after: timedelta | None) -> str:
            return measure if after is None else f"case when {over(after)} then {measure} end"

        now = [
            f"{counting(layout.measure(part, of=f'{of}a'), layout.counts_after(part))} as {prefix}m{i}"
            for i, part in enumerate(layout.parts)
        ]
        if not layout.adjusted:
            return ",\n  ".join(now)
        past = [
            f"{counting(layout.measure(part, of=f'{of}past_'), layout.counts_after(part))} as {prefix}b{i}"
            for i, part in enumerate(layout.adjusted)
        ]
        present = [
            f"{counting(f'coalesce({of}present_{i}, cast(0 as double))', after)} as {prefix}present_{i}"
            for i, (_, after) in enumerate(layout.presences_after)
        ]
        return ",\n  ".join([*now, *past, *present])

    def _past_accumulators(self) -> Collection[int]:
        layout = self.layout
        needed = (a for part in layout.adjusted for a in layout.needed(part))
        return sorted({layout.accumulators.index(a) for a in needed})

    def state_names(self) -> list[str]:
        """The columns of `by_period` that are summed up over a unit's periods."""
        return [*self.later_names(), *self.before_names()]

    def sum_names(self) -> list[str]:
        """The columns of `by_period` that are sums."""
        return [*self.state_names(), *(["valueless"] if self.layout.values else [])]

    def later_names(self) -> list[str]:
        """The columns of a unit's state that may change in each period."""
        now = [f"a{i}" for i in range(len(self.layout.accumulators))]
        return [*now, *(f"ripe_{i}" for i in range(len(self.layout.waits_for)))]

    def before_names(self) -> list[str]:
        """The columns of what a unit did before its exposure: they change in the period of that only."""
        if not self.cuped:
            return []
        past = [f"past_{i}" for i in self._past_accumulators()]
        return [*past, *(f"present_{i}" for i in range(len(self.layout.presences)))]


def _did_before(action: str) -> str:
    """Whether a unit did an action before its exposure, of its rows as SQL."""
    return f"{_count(f'action = {literal(action)}', past=1)} > 0"


def _count(condition: str, *, past: int | None) -> str:
    when = "" if past is None else f" and past = {past}"
    return f"count(case when {condition}{when} then 1 end)"


def _summed(accumulator: Accumulator, *, past: int | None) -> str:
    when = "" if past is None else f" and past = {past}"
    if accumulator.value is None:
        return f"cast({_count(accumulator.condition, past=past)} as double)"
    summed = f"sum(case when {accumulator.condition}{when} then {accumulator.value} end)"
    return f"coalesce({summed}, cast(0 as double))"
