"""What units did on each day since their own first exposure, as the database knows it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from attrs import evolve, frozen

from abkit.analysis.aggregation.maturity import last_moment
from abkit.analysis.aggregation.session import QuerySession, instant
from abkit.analysis.engines.base import Row, integer
from abkit.analysis.query.days import DayQueries
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.sums import PHASE
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.days import DAY, LENGTHS, MOST_DAYS, DailySums, chosen_length
from abkit.analysis.statistics.standardizing import Strata
from abkit.experiments.declaring.metrics import Metric


def measure_days(
    session: QuerySession,
    events: EventQueries,
    metrics: Sequence[Metric],
    *,
    exposed: int | None,
    until: int,
    actions: str = "actions",
    unit_days: Callable[[DayQueries, int], str] = DayQueries.unit_days,
) -> tuple[DailySums, ...]:
    """Measure metrics by days since exposure; nothing while no unit has a week behind it.

    A unit counts for a day once that day is over, and its actions as in `done`: after its first exposure,
    within the window, before the end of the time frame. A unit in several variants has its days in each.

    Args:
        session: The engine, of which `measure_events` has asked what units did.
        events: The queries of that.
        metrics: Additive ones among its metrics.
        exposed: The last exposure, in microseconds since 1970; None: there is none.
        until: The end of the time frame likewise, or now: what lies beyond was written by a wrong clock.
        actions: The table that has each action once.
        unit_days: The query of `DayQueries` of that name, or what does the same.
    """
    windows = [events.layout.window_of(metric) for metric in metrics]
    most = min([MOST_DAYS, *(window // DAY for window in windows if window is not None)])
    if not metrics or exposed is None or most < LENGTHS[0]:
        return ()
    end = last_moment(session, exposed=exposed, until=until, actions=actions)
    queries = DayQueries(
        layout=events.layout,
        metrics=metrics,
        end=end,
        phased=events.phased,
        in_several=events.in_several,
    )
    behind = _Behind.of(session.rows("units by the days that are over", queries.behind()))
    length = chosen_length(behind.totals, most=most)
    if length is None:
        return ()
    session.define("unit_days", unit_days(queries, most), keep=True)
    by_day = session.rows("sums per variant by days since exposure", queries.sums())
    halves = session.rows("sums per variant of first and later days", queries.halves(length))
    return tuple(
        DailySums(
            metric=metric,
            days=tuple(_days(i, by_day, behind, most=most)),
            length=length,
            halves=behind.strata(length, {_group(row): _of_halves(i, row) for row in halves}, 4),
            end=instant(end),
        )
        for i, metric in enumerate(metrics)
    )


_Group = tuple[int, str]
"""The number of a phase, and a variant."""


@frozen
class _Behind:
    """How many units have how many days behind them, of each phase and variant."""

    units: Mapping[_Group, Mapping[int, int]]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "_Behind":
        found: dict[_Group, dict[int, int]] = {}
        for row in rows:
            found.setdefault(_group(row), {})[integer(row, "days")] = integer(row, "units")
        return cls(found)

    @property
    def totals(self) -> Mapping[int, int]:
        """Of all phases and variants."""
        found: dict[int, int] = {}
        for of in self.units.values():
            for days, units in of.items():
                found[days] = found.get(days, 0) + units
        return found

    def having(self, group: _Group, days: int) -> int:
        """How many units of a group have so many days behind them, or more."""
        return sum(units for behind, units in self.units[group].items() if behind >= days)

    def strata(self, days: int, measured: Mapping[_Group, Sums], size: int) -> Strata:
        """The sums of all units that have so many days behind them.

        Args:
            days: How many.
            measured: The sums of those that did something: their number is that of all.
            size: The number of measures.
        """
        nothing = Sums.none((0.0,) * size)
        nothing = evolve(
            nothing,
            products=MappingProxyType({(i, j): 0.0 for i in range(size) for j in range(i, size)}),
        )
        phases = range(1 + max(phase for phase, _ in self.units))
        return tuple(
            MappingProxyType(
                {
                    variant: evolve(
                        measured.get((number, variant), nothing),
                        n=self.having((number, variant), days),
                    )
                    for phase, variant in self.units
                    if phase == number
                }
            )
            for number in phases
        )


def _days(i: int, rows: Iterable[Row], behind: _Behind, *, most: int) -> Iterable[Strata]:
    """The sums of a metric of each day, up to the last that is over for some unit."""
    measured: dict[int, dict[_Group, Sums]] = {}
    for row in rows:
        measured.setdefault(integer(row, "day"), {})[_group(row)] = _of_day(i, row)
    for day in range(min(most, max(behind.totals))):
        yield behind.strata(day + 1, measured.get(day, {}), 2)


def _of_day(i: int, row: Row) -> Sums:
    below = _real(row[f"b{i}"])
    return _sums((_real(row[f"t{i}"]), below), {(0, 0): _real(row[f"s{i}"]), (1, 1): below})


def _of_halves(i: int, row: Row) -> Sums:
    early, late, active = (_real(row[f"{name}{i}"]) for name in ("e", "l", "a"))
    ee, el, ll = (_real(row[f"{name}{i}"]) for name in ("ee", "el", "ll"))
    return _sums(
        (early, late, early + late, active),
        {
            (0, 0): ee,
            (0, 1): el,
            (0, 2): ee + el,
            (1, 1): ll,
            (1, 2): el + ll,
            (2, 2): ee + 2 * el + ll,
            (3, 3): active,
        },
    )


def _sums(totals: tuple[float, ...], products: Mapping[tuple[int, int], float]) -> Sums:
    pairs = {
        (i, j): products.get((i, j), 0.0) for i in range(len(totals)) for j in range(i, len(totals))
    }
    return Sums(0, (0.0,) * len(totals), totals, MappingProxyType(pairs))


def _group(row: Row) -> _Group:
    return integer(row, PHASE) if PHASE in row else 0, str(row["variant"])


def _real(value: object) -> float:
    """A number in an answer; a database's decimals too."""
    return 0.0 if value is None else float(value)  # type: ignore[arg-type]
