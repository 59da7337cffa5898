"""How much memory a command may use for the events."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import click

from abkit.cli.config import Option

if TYPE_CHECKING:
    from abkit.analysis.engines.local import DuckDB

memory_limit_option: Option = click.option(
    "--memory-limit",
    metavar="SIZE",
    help="Memory that DuckDB may use, such as 4GB; what does not fit goes to temporary files ($TMPDIR). "
    "Default: 80% of the machine's.",
)


def engine_within(limit: str | None) -> "AbstractContextManager[DuckDB | None]":
    """DuckDB within a limit of memory; None, for the default engine, without one.

    Args:
        limit: What the option says.

    Raises:
        AnalysisError: It is no size.
        MissingExtraError: duckdb is not installed.
    """
    if limit is None:
        return nullcontext()
    from abkit.analysis.engines.local import DuckDB

    return DuckDB(memory_limit=limit)
