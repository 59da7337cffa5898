"""What many processes leave in two weeks, each four events a second, and what it costs to analyze."""

import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from uuid import uuid4

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from abkit.analysis import Analysis, Design
from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS
from abkit.experiments.declaring.metrics import Conversion
from abkit.sinks.file_formats import schema_of, write_table

from ..ratio import Figure
from ..row import Row

HOURS = "ABKIT_BENCH_HOURS"
"""The variable of the environment that says for how many hours of each day the processes live: up to 24."""

PROCESSES, DAYS, RATE = 20, 14, 4
"""How many processes there are, for how many days, and how many events each has in a second."""

_USUAL = 2  # hours
_ROUNDS = 3
_EXPOSURES, _ACTIONS = RATE * 3_600 // 5, RATE * 3_600 * 4 // 5  # in an hour of a process
_RATIO, _BYTES = 2.0, 100.0
_FIRST_DAY = 1_795_824_000  # 2026-11-28 00:00 UTC
_USERS = 2_000_000
_DIGITS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_DESIGN = Design(
    name="Bench", salt="Bench", unit_type="user", control="a", metrics=(Conversion("clicked"),)
)


def process_file_rows() -> list[Row]:
    """Write hour files as a `FileSink` closes them, and the same rows at once; analyze both in turns."""
    hours = int(os.environ.get(HOURS, _USUAL))
    with TemporaryDirectory() as where:
        left, one = Path(where, "left"), Path(where, "one")
        _leave(left, hours)
        for kind in ("exposures", "actions"):
            _at_once(left / kind, one / kind)
        rounds = [_seconds(left) / _seconds(one) for _ in range(_ROUNDS)]
        exposures = [*left.glob("exposures/*/*")]
        size = sum(file.stat().st_size for file in exposures) / (len(exposures) * _EXPOSURES)
    what = f"{2 * len(exposures):,} hour files, {len(exposures) * RATE * 3_600 / 1e6:.0f}M events"
    return [
        Row(what=f"analysis of {what}", by_id=Figure(rounds), target=_RATIO, unit="x one file"),
        Row(
            what="an exposure in an hour file",
            by_id=Figure([size]),
            target=_BYTES,
            unit="bytes",
            note=f"{HOURS}=24: two whole weeks",
        ),
    ]


def _seconds(folder: Path) -> float:
    """The processor time of an analysis."""
    began = process_time()
    Analysis(_DESIGN, exposures=folder / "exposures", actions=folder / "actions").run()
    return process_time() - began


def _at_once(files: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    duckdb.sql(
        f"copy (from read_parquet('{files}/*/*', hive_partitioning = false)) "
        f"to '{folder}/all.parquet' (format parquet, compression zstd)"
    )


def _leave(folder: Path, hours: int) -> None:
    random = np.random.default_rng(7)
    names = pa.array([f"user-{i}" for i in range(_USERS)])
    for day in range(DAYS):
        first = _FIRST_DAY + day * 86_400
        # Each process sees other users, and each user once a day.
        seen = random.permutation(_USERS)[: hours * PROCESSES * _EXPOSURES]
        for number, users in enumerate(seen.reshape(-1, _EXPOSURES)):
            began = first + number // PROCESSES * 3_600
            _put(folder / "exposures", began, _exposures(random, began, names, users))
            _put(folder / "actions", began, _actions(random, began, names))


def _put(folder: Path, began: int, table: pa.Table) -> None:
    day = folder / f"date={datetime.fromtimestamp(began, UTC):%Y-%m-%d}"
    day.mkdir(parents=True, exist_ok=True)
    write_table(day / f"{uuid4().hex}.parquet", table)


def _exposures(
    random: np.random.Generator, began: int, names: pa.Array, users: NDArray[np.int64]
) -> pa.Table:
    ids, count = names.take(pa.array(users)), len(users)
    columns = {
        **_any_event(random, began, count),
        "experiment": _same("Bench", count),
        "salt": _same("Bench", count),
        "unit_type": _same("user", count),
        "unit_id": ids,
        "variant": pa.array(["a", "b"]).take(pa.array(users % 2)),
        "user_id": ids,
        "weights": _same('{"a":0.5,"b":0.5}', count),
    }
    return pa.table(
        [columns[name] for name in EXPOSURE_COLUMNS], schema=schema_of(EXPOSURE_COLUMNS)
    )


def _actions(random: np.random.Generator, began: int, names: pa.Array) -> pa.Table:
    drawn = random.choice(3, _ACTIONS, p=[0.15, 0.05, 0.8])
    columns = {
        **_any_event(random, began, _ACTIONS),
        "action": pa.array(["clicked", "purchased", "page viewed"]).take(pa.array(drawn)),
        "user_id": names.take(pa.array(random.integers(0, _USERS, _ACTIONS))),
    }
    return pa.table([columns[name] for name in ACTION_COLUMNS], schema=schema_of(ACTION_COLUMNS))


def _any_event(random: np.random.Generator, began: int, count: int) -> dict[str, pa.Array]:
    times = np.sort(random.integers(began * 10**6, (began + 3_600) * 10**6, count))
    nothing = pa.array([], pa.string())
    return {
        "insert_id": _unique(random, count),
        "time": pa.array(times, pa.timestamp("us", tz="UTC")),
        "groups": pa.MapArray.from_arrays(np.zeros(count + 1, dtype=np.int32), nothing, nothing),
        "properties": pa.nulls(count, pa.string()),
    }


def _unique(random: np.random.Generator, count: int) -> pa.Array:
    """So many texts of 32 hexadecimal digits."""
    drawn = random.integers(0, 16, 32 * count)
    ends = np.arange(0, 32 * (count + 1), 32, dtype=np.int32)
    return pa.StringArray.from_buffers(
        count, pa.py_buffer(ends), pa.py_buffer(_DIGITS[drawn].tobytes())
    )


def _same(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text), count)
