"""What a process leaves that flushes every ten seconds, and what it costs to analyze: a table."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from attrs import field, frozen
from rich.table import Table

from abkit.analysis import Analysis, Design
from abkit.events import Action, Event, Exposure
from abkit.experiments.declaring.metrics import Conversion
from abkit.sinks.files import FileSink

FLUSHES = 10_000
EACH = 5
_ROUNDS = 6  # the first one imports, and is not counted
_PAUSE = 10.0  # seconds
_BEGIN = 1_795_824_000.0  # 2026-11-28 00:00 UTC
_DESIGN = Design(
    name="Bench", salt="Bench", unit_type="user", control="a", metrics=(Conversion("clicked"),)
)


@frozen
class Left:
    """What stands in a folder, and how it is read.

    Attributes:
        what: What it is.
        files: How many files there are.
        size: Bytes for each exposure.
        seconds: How long an analysis takes.
        wrote: Milliseconds for each flush; None: it was not measured.
    """

    what: str
    files: int
    size: float
    seconds: float
    wrote: float | None = field(default=None)


class _Clock:
    def __init__(self) -> None:
        self.now = _BEGIN

    def __call__(self) -> float:
        return self.now


def hour_file_rows() -> Sequence[Left]:
    """Write the flushes of 28 hours, and the same events at once; analyze both."""
    with TemporaryDirectory() as where:
        flushed, at_once = Path(where, "flushed"), Path(where, "at once")
        clock = _Clock()
        sink = FileSink(flushed, clock=clock)
        took = 0.0
        everything: list[Event] = []
        for number in range(FLUSHES):
            events = _events(number, clock.now)
            everything += events
            began = perf_counter()
            sink.send(events)
            took += perf_counter() - began
            clock.now += _PAUSE
        sink.close()
        FileSink(at_once).send(everything)
        # In turns: a machine's speed drifts.
        times = [(_analysis(at_once), _analysis(flushed)) for _ in range(_ROUNDS)][1:]
        return [
            _left("the same at once", at_once, [one for one, _ in times]),
            _left(
                f"{FLUSHES:,} flushes of {EACH} exposures",
                flushed,
                [other for _, other in times],
                wrote=took / FLUSHES * 1_000,
            ),
        ]


def hour_file_table(rows: Sequence[Left]) -> Table:
    """As a table."""
    table = Table(caption="A FileSink on a local disk. Targets: 100 bytes; twice the time.")
    for column in ("what", "files", "bytes per exposure", "analysis", "ratio", "a flush"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for row in rows:
        table.add_row(
            row.what,
            f"{row.files:,}",
            f"{row.size:.0f}",
            f"{row.seconds:.2f} s",
            f"{row.seconds / rows[0].seconds:.2f}",
            "" if row.wrote is None else f"{row.wrote:.1f} ms",
        )
    return table


def _events(number: int, time: float) -> list[Event]:
    users = [f"user-{number * EACH + i}" for i in range(EACH)]
    exposures: list[Event] = [
        Exposure(
            experiment="Bench",
            salt="Bench",
            unit_type="user",
            unit_id=user,
            variant="ab"[i % 2],
            time=time + i,
            user_id=user,
            insert_id=_unique(f"{number} {i}"),
        )
        for i, user in enumerate(users)
    ]
    return [
        *exposures,
        Action("clicked", time + EACH, user_id=users[0], insert_id=_unique(f"{number}")),
    ]


def _unique(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _left(what: str, folder: Path, times: Sequence[float], *, wrote: float | None = None) -> Left:
    files = [file for file in folder.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files if "exposures" in file.parts)
    return Left(what, len(files), size / FLUSHES / EACH, median(times), wrote)


def _analysis(folder: Path) -> float:
    began = perf_counter()
    Analysis(_DESIGN, exposures=folder / "exposures", actions=folder / "actions").run()
    return perf_counter() - began
