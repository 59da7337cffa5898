"""One measured program: `python -m tests.benchmarks.large.program WHAT FOLDER LIMIT` prints what it took."""

import sys
from collections.abc import Callable
from tempfile import TemporaryDirectory

from ..taken import measure
from . import by_hand

IMPORTS = ("duckdb", "abkit.analysis.engines.local", f"{__package__}.asked")
"""What both need, or one of them: an import is no part of the work."""


def _by_hand(where: str, limit: str, *, once: bool) -> None:
    import duckdb

    with TemporaryDirectory() as spilled, duckdb.connect() as connection:
        connection.execute(
            f"set TimeZone = 'UTC'; set memory_limit = '{limit}'; set temp_directory = '{spilled}'; "
            "set preserve_insertion_order = false; set enable_progress_bar = false"
        )
        for statement in by_hand.statements(where, once=once):
            connection.execute(statement).fetchall()


def _by_abkit(where: str, limit: str, *, by_day: bool) -> None:
    from abkit.analysis.engines.local import DuckDB
    from abkit.cli.progress import progress

    from .asked import analysis

    with DuckDB(memory_limit=limit) as engine, progress() as told:
        analysis(where, engine, by_day=by_day).run(**told)


PROGRAMS: dict[str, Callable[[str, str], None]] = {
    "by hand": lambda where, limit: _by_hand(where, limit, once=True),
    "by hand, nothing twice": lambda where, limit: _by_hand(where, limit, once=False),
    "abkit": lambda where, limit: _by_abkit(where, limit, by_day=False),
    "abkit, each day": lambda where, limit: _by_abkit(where, limit, by_day=True),
}


def main() -> None:
    """Run one program and tell what it took."""
    what, where, limit = sys.argv[1:4]
    measure(lambda: PROGRAMS[what](where, limit), imports=IMPORTS)


if __name__ == "__main__":
    main()
