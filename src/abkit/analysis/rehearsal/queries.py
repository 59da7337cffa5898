"""The queries of a history: who did anything, and what, with the hash that assigns each unit."""

from collections.abc import Sequence

from attrs import frozen

from abkit.analysis.query.periods import microseconds, period
from abkit.analysis.query.sums import SumQueries
from abkit.analysis.statistics.days import DAY
from abkit.experiments.in_bulk.dialects import dialect_of


@frozen(kw_only=True)
class HistoryQueries:
    """The queries over the table `actions`, of DuckDB.

    Attributes:
        prefixes: What is hashed before a unit's id: for its assignment, and for that of other salts.
    """

    prefixes: Sequence[str]

    def reach(self) -> str:
        """Columns: first and latest, the times of actions of a unit; null if there are none."""
        return """\
select min(time) as first, max(time) as latest
from actions
where unit_id is not null and unit_id <> ''"""

    def units(self, start: int) -> str:
        """The units that did something from some moment on, in one arm: a table `units`.

        Args:
            start: In microseconds since 1970.
        """
        return f"""\
select unit_id, '' as variant, min(time) as first_exposure
from actions
where unit_id is not null and unit_id <> '' and time >= {int(start)}
group by unit_id"""  # noqa: S608 - a number

    def names(self) -> str:
        """The names of the actions of units, the most frequent first. Column: action."""
        return """\
select action
from actions
where unit_id is not null and action is not null
group by action
order by count(*) desc, action"""

    def values(self, sums: SumQueries) -> str:
        """A row for each unit, by the day that it came.

        Columns: hashed_0, ..., by prefix; day, since 1970; x0, ..., the measures.
        """
        hashes = ",\n  ".join(f"{_hash(of)} as hashed_{i}" for i, of in enumerate(self.prefixes))
        measures = ",\n  ".join(f"{value} as x{i}" for i, value in enumerate(sums.measures()))
        return f"""\
select {hashes},
  {period("u.first_exposure", microseconds(DAY))} as day,
  {measures}
from measured
join units u on u.unit_id = measured.unit_id
order by day, hashed_0"""  # noqa: S608 - literals are quoted


def _hash(prefix: str) -> str:
    dialect = dialect_of("duckdb")
    digest = dialect.sha1.format(f"{dialect.constant(prefix)} || u.unit_id")
    return f"cast({dialect.unhex.format(f'substr({digest}, 1, 15)')} as ubigint)"
