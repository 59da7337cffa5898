"""Small files of events, as sinks leave them, and what is in all files of a folder."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from abkit.compaction.compacting import Compaction
from abkit.events import Action, Event, Exposure, Identity
from abkit.sinks.files import FileSink, Format

START = datetime(2026, 11, 1, tzinfo=UTC)
NOW = START + timedelta(days=20, hours=5)
AT_ONCE = Compaction(settle=timedelta(0), clock=NOW.timestamp, wait=lambda seconds: None)
"""As after twenty days, without a pause."""


def exposure(number: int, *, day: int = 0, **differs: Any) -> Exposure:
    usual: dict[str, Any] = {
        "experiment": f"Exp{number // 2 % 2}",
        "salt": "s",
        "unit_type": "user",
        "unit_id": f"u{number}",
        "variant": "ab"[number // 4 % 2],
        "time": (START + timedelta(days=day, minutes=number % 1_440)).timestamp(),
        "user_id": f"u{number}",
        "properties": {"plan": "pro", "size": number},
        "insert_id": f"e{day}-{number}",
    }
    return Exposure(**(usual | differs))


def action(number: int, *, day: int = 0) -> Action:
    return Action(
        name=("look", "buy")[number % 2],
        time=(START + timedelta(days=day, minutes=number % 1_440 + 1)).timestamp(),
        user_id=f"u{number}",
        groups={"org": f"o{number % 7}"},
        properties={"price": number / 4},
        insert_id=f"a{day}-{number}",
    )


def identity(number: int, *, day: int = 0) -> Identity:
    time = (START + timedelta(days=day)).timestamp()
    return Identity("visitor", f"v{number}", "user", f"u{number}", time, f"i{day}-{number}")


def events(numbers: range, *, day: int = 0) -> list[Event]:
    return [make(n, day=day) for n in numbers for make in (exposure, action, identity)]


def write(where: str | Path, *, batches: int = 4, days: int = 2, form: Format = "parquet") -> None:
    """Three events of five users, in each batch and on each day."""
    sink = FileSink(where, format=form)
    for batch in range(batches):
        for day in range(days):
            sink.send(events(range(batch * 5, batch * 5 + 5), day=day))


def files(where: Path, kind: str = "*") -> list[Path]:
    """Those of Parquet that readers look at."""
    return sorted(where.glob(f"{kind}/date=*/*.parquet"))


def ids(where: Path, kind: str) -> Counter[str]:
    """How often each insert_id is there."""
    return ids_in(files(where, kind))


def ids_in(found: Iterable[Path]) -> Counter[str]:
    with duckdb.connect() as connection:
        named = ", ".join(f"'{file}'" for file in found)
        read = f"select insert_id from read_parquet([{named}])"  # noqa: S608 - our own files
        rows = connection.sql(read).fetchall()
    return Counter(str(name) for (name,) in rows)


def expected(kind: str, *, batches: int = 4, days: int = 2) -> Counter[str]:
    return Counter(f"{kind[0]}{day}-{n}" for day in range(days) for n in range(batches * 5))
