"""Many events in bounded memory: a table of what they cost, by hand and by abkit, as they become more."""

import os
from collections.abc import Iterable, Mapping
from multiprocessing import Process
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen
from rich.table import Table

from ..taken import taken
from .data import Size, make

MILLIONS = "ABKIT_BENCH_MILLIONS"
"""The variable of the environment that says how many millions of actions there are at most."""

LIMIT, TARGET = "4GB", 1.3
"""The memory that each may use, and the most that the ratio of their times should be."""

_ALL = (1, 10, 100)
_PROGRAMS = ("by hand, nothing twice", "by hand", "abkit", "abkit, each day")
_SKEWED = Size(units=500_000, actions=8_000_000, of_one_unit=5_000_000, one_name=True)


@frozen(kw_only=True)
class Large:
    """So many events, and what they took.

    Attributes:
        what: Which events.
        actions: How many actions.
        took: By program, its processor time and time in seconds, and its largest resident memory in MB.
    """

    what: str
    actions: int
    took: Mapping[str, Mapping[str, float]]


def large_rows() -> Iterable[Large]:
    """Measure up to as many actions as the environment says; without it, a million."""
    most = int(os.environ.get(MILLIONS, "1"))
    for millions in (each for each in _ALL if each <= most):
        size = Size(units=200_000 * millions, actions=1_000_000 * millions)
        yield _measured(f"{millions}M actions, {size.units:,} units", size)
    if most >= 10:
        yield _measured("8M, 5M of one unit, 90% of one name", _SKEWED)


def _measured(what: str, size: Size) -> Large:
    with TemporaryDirectory() as where:
        # In a process of its own, whose memory is given back.
        maker = Process(target=make, args=(Path(where), size))
        maker.start()
        maker.join()
        took = {program: _run(program, where) for program in _PROGRAMS}
    return Large(what=what, actions=size.actions, took=took)


def large_table(rows: Iterable[Large]) -> Table:
    """As a table."""
    table = Table(
        caption=f"Ten metrics with CUPED, {LIMIT} of memory: processor time, each of a program of its own, "
        "without imports.\nBy hand: DuckDB alone; nothing twice: by somebody who knows that no action was "
        f"stored twice, which abkit finds out itself.\n{MILLIONS}=100: 10 and 100 million actions too."
    )
    table.add_column("what")
    for column in (*_PROGRAMS, "abkit / by hand", "target", "peak memory", "a million actions"):
        table.add_column(column, justify="right")
    for row in rows:
        seconds = {program: took["cpu"] for program, took in row.took.items()}
        ratio = seconds["abkit"] / seconds["by hand"]
        table.add_row(
            row.what,
            *(f"{seconds[program]:.1f} s" for program in _PROGRAMS),
            f"{ratio:.2f}",
            f"{TARGET:.2f}",
            f"{row.took['abkit, each day']['peak']:,.0f} MB",
            f"{seconds['abkit'] / row.actions * 1e6:.2f} s",
        )
    return table


def _run(program: str, where: str) -> dict[str, float]:
    return taken(f"{__package__}.program", program, where, LIMIT)
