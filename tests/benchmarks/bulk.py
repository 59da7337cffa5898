"""A million units at once, against a bare loop over the hash."""

from collections import Counter
from collections.abc import Callable
from time import perf_counter, process_time

import duckdb
from attrs import frozen

from abkit.experiments.in_bulk.assign import assign_many
from abkit.experiments.in_bulk.sql import assignment_sql

from .experiments import Declared
from .ratio import ROUNDS, Figure, assert_split, bare_hash
from .row import Row

UNITS = 1_000_000


@frozen
class _Way:
    """A way to assign a million units.

    Attributes:
        what: Its name.
        target: The most times that it should take as long as the bare loop.
        assign: Does it.
        clock: Processor time where one thread works; where there are two, only the wall clock tells.
    """

    what: str
    target: float | None
    assign: Callable[[], object]
    clock: Callable[[], float] = perf_counter

    def ratio(self, bare: Callable[[], object]) -> float:
        """How many times as long as the bare loop it takes."""
        start = self.clock()
        bare()
        middle = self.clock()
        self.assign()
        return (self.clock() - middle) / (middle - start)


def bulk_rows() -> list[Row]:
    """Time each way in turn with the bare loop.

    Raises:
        AssertionError: They do not give the same variants, or not 50/50.
    """
    units = [str(number) for number in range(UNITS)]
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("create table units as select range::varchar as id from range(?)", [UNITS])
    ways = [
        _Way("list to list", 1.08, lambda: assign_many(Declared, units), process_time),
        *_in_duckdb(connection),
    ]
    ratios = [[way.ratio(lambda: bare_hash(units)) for way in ways] for _ in range(ROUNDS)]
    counts = Counter(assign_many(Declared, units))
    assert_split(counts, UNITS, of="assign_many")
    query = "from assigned select variant, count(*) group by 1"
    counted = dict(connection.execute(query).fetchall())
    assert counted == counts, f"DuckDB gives {counted}, assign_many {counts}"
    return [
        Row(
            what=f"{UNITS:,} units, {way.what}",
            by_id=Figure(values),
            target=way.target,
            note="no peer has it: a loop of theirs takes as long as `get`",
        )
        for way, values in zip(ways, zip(*ratios, strict=True), strict=True)
    ]


def _in_duckdb(connection: duckdb.DuckDBPyConnection) -> list[_Way]:
    variant = f"{assignment_sql(Declared, 'id')} as variant"
    column = f"select {variant} from units"  # noqa: S608 - it is what is measured
    table = f"create or replace table assigned as select id, {variant} from units"  # noqa: S608
    return [
        _Way(
            "DuckDB, two threads, to a NumPy column",
            0.24,
            lambda: connection.execute(column).fetchnumpy(),
        ),
        _Way("DuckDB, two threads, to a new table", None, lambda: connection.execute(table)),
    ]
