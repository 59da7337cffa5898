"""What an example has stored of its visitors."""

from pathlib import Path
from typing import Any

import duckdb


def stored_rows(events: Path, kind: str, *columns: str) -> list[tuple[Any, ...]]:
    """The rows of exposures, actions or identities."""
    files = str(events / kind / "*" / "*.parquet")
    with duckdb.connect() as connection:
        return connection.read_parquet(files).select(*columns).fetchall()
