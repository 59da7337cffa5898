"""The states of units that are kept because other limits would change what they add to the sums.

Limits that are percentiles move with each day. What they cut off is in few states: those are kept, and some
more, so that a limit may move a little.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from attrs import frozen

from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.grouping import unit_key
from abkit.analysis.query.sums import SumQueries, percentiles
from abkit.analysis.query.values import number
from abkit.analysis.store.closed.closed_days import Limit
from abkit.experiments.declaring.metrics import Metric

VALUES = "limited_values"
"""The table of the units' values of the parts that have limits which the data tell."""


@frozen
class BeyondLimits:
    """Which states are kept.

    Attributes:
        events: The queries of what units did.
    """

    events: EventQueries

    @property
    def limited(self) -> Sequence[int]:
        """The places of the parts that have limits which the data tell."""
        layout = self.events.layout
        return sorted({layout.parts.index(part) for part, _, _ in percentiles(layout)})

    def values(self) -> str:
        """The query of `VALUES`."""
        columns = ", ".join(f"m{i}" for i in self.limited)
        return f"select {columns} from measured"

    def extremes(self, until: int, *, length: int, known: str | None) -> str:
        """The largest and smallest values of units at the ends of periods, from `states`.

        Columns: unit_id (and variant), peak_0, trough_0, ... by the places of the parts.

        Args:
            until: The periods are over then.
            length: Of a period, in microseconds.
            known: A table that has the same of periods before them; None: there is none.
        """
        key = unit_key(in_several=self.events.in_several)
        now, found = [], []
        for i, columns in self._columns().items():
            for name, than, of in (("peak", ">", "max"), ("trough", "<", "min")):
                now.append(f"{_further(columns, than)} as {name}_{i}")
                found.append(f"{of}({name}_{i}) as {name}_{i}")
        before = ""
        if known is not None:
            names = ", ".join(f"peak_{i}, trough_{i}" for i in self.limited)
            before = f"\n  union all\n  select {key}, {names} from {known}"
        return f"""\
select {key}, {", ".join(found)}
from (
  select {key}, {", ".join(now)} from states where period < {until // length}{before}
) as seen
group by {key}"""

    def states(self, reach: Sequence[Limit]) -> str:
        """Whether a state has a value beyond what is kept, now or before its period, as SQL."""
        columns = self._columns()
        return _any(
            f"{of}{column} {beyond}"
            for i, beyond in self._beyond(reach)
            for column in columns[i]
            for of in ("", "was_")
        )

    def units(self, reach: Sequence[Limit]) -> str:
        """Whether a unit may have such a state, by its `extremes`, as SQL."""
        return _any(
            f"{'peak' if beyond.startswith('>') else 'trough'}_{i} {beyond}"
            for i, beyond in self._beyond(reach)
        )

    def reach(self, session: QuerySession, queries: SumQueries) -> list[Limit]:
        """Beyond which values states are to be kept now: about twice as many as limits cut off.

        Args:
            session: The engine, with the table `VALUES`.
            queries: The queries of the sums.
        """
        found: dict[Metric, dict[str, float]] = {}
        for part, side, percentile in percentiles(queries.layout):
            upper = side == "upper"
            further = max(0.0, 2 * percentile - 100) if upper else min(100.0, 2 * percentile)
            column = f"m{queries.layout.parts.index(part)}"
            value = session.row(
                f"{further:g}th percentile of {part.name}",
                queries.percentile(part, further, source=VALUES),
            )["limit_value"]
            if value is None:
                continue
            at = float(value)  # type: ignore[arg-type]
            # Of whole numbers, the next one may be the limit tomorrow.
            pick, than = ("max", "<") if upper else ("min", ">")
            next_one = session.row(
                f"next value of {part.name}",
                f"select {pick}({column}) as value from {VALUES} where {column} {than} {number(at)}",
            )["value"]
            found.setdefault(part, {})[side] = at if next_one is None else float(next_one)  # type: ignore[arg-type]
        return [
            (found.get(part, {}).get("lower"), found.get(part, {}).get("upper"))
            for part in queries.layout.capped
        ]

    def _columns(self) -> Mapping[int, Sequence[str]]:
        """By place, the columns of `states` that the limits of a part are for."""
        layout = self.events.layout
        columns = {i: [f"m{i}"] for i in self.limited}
        for place, part in enumerate(layout.adjusted):
            if (i := layout.parts.index(part)) in columns:
                columns[i].append(f"b{place}")
        return columns

    def _beyond(self, reach: Sequence[Limit]) -> Iterator[tuple[int, str]]:
        layout = self.events.layout
        for part, (low, high) in zip(layout.capped, reach, strict=True):
            place = layout.parts.index(part)
            if high is not None:
                yield place, f"> {number(high)}"
            if low is not None:
                yield place, f"< {number(low)}"


def covers(reach: Sequence[Limit], before: Sequence[Limit], now: Sequence[Limit]) -> bool:
    """Whether all states are kept that add something else to the sums within other limits.

    Args:
        reach: Beyond which values states are kept.
        before: The limits of the sums.
        now: The other limits.
    """
    return all(
        _covered(low, low_before, low_now, outermost=max, by=float.__ge__)
        and _covered(high, high_before, high_now, outermost=min, by=float.__le__)
        for (low, high), (low_before, high_before), (low_now, high_now) in zip(
            reach, before, now, strict=True
        )
    )


def widened(reach: Sequence[Limit], before: Sequence[Limit]) -> list[Limit]:
    """Beyond which values states are to be kept, so that all beyond other limits are among them too."""
    return [
        (_outer(low, other_low, max), _outer(high, other_high, min))
        for (low, high), (other_low, other_high) in zip(reach, before, strict=True)
    ]


def narrowed(reach: Sequence[Limit], other: Sequence[Limit]) -> list[Limit]:
    """Beyond which values fewer states are kept; never more, as others are not there any more."""
    return [
        (_outer(low, other_low, min), _outer(high, other_high, max))
        for (low, high), (other_low, other_high) in zip(reach, other, strict=True)
    ]


def _covered(
    kept: float | None,
    before: float | None,
    now: float | None,
    *,
    outermost: Callable[[float, float], float],
    by: Callable[[float, float], bool],
) -> bool:
    if before == now:
        return True
    if kept is None or before is None or now is None:
        return False
    return by(float(kept), float(outermost(before, now)))


def _outer(
    reach: float | None, other: float | None, pick: Callable[[float, float], float]
) -> float | None:
    return reach if reach is None or other is None else pick(reach, other)


def _further(values: Sequence[str], than: str) -> str:
    """The largest or the smallest of one or two values that is not null, as SQL that every database has.

    Args:
        values: The values.
        than: What says that a value is further.
    """
    first, *others = values
    if not others:
        return first
    (other,) = others
    return f"case when {first} is null or {other} {than} {first} then {other} else {first} end"


def _any(conditions: Iterable[str]) -> str:
    return f"({' or '.join(conditions) or '1 = 0'})"
