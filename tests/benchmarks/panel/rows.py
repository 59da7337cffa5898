"""How soon the panel answers, over HTTP on the loopback: a table."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from urllib.parse import quote

from attrs import frozen
from rich.table import Table

from abkit.experiments.declaring.experiment import Experiment
from abkit.panel.asgi import cookie_name
from abkit.panel.glance import glance
from abkit.panel.questions import Question
from abkit.panel.sums_files import SumsFiles

from ..analysis.showing import DAYS, METRICS, VARIANTS, example_sums
from ..targets import Target
from .server import SECONDS, TOKEN, source
from .stage import EXPERIMENTS, LARGE, experiments, write_events

_READ = 8
"""So many experiments are read; the others have the sums of one of them."""

_PROCESSES = 8
_REQUESTS = 40
_CHANGES = 20

_OVERVIEWS = (
    "?search=ranking",
    "?search=checkout&order=units",
    "?order=lift",
    "?order=owner&state=running",
    "?order=name&state=running&state=ramping&state=concluded",
)
_CHANGED = [
    f"?control=v{1 + number % 7}&confidence={0.9 + 0.002 * number:.3f}"
    + ("&method=t-test" if number % 5 == 4 else "")
    for number in range(_CHANGES)
]
"""No two of them are alike: the last answers are kept."""


@frozen(kw_only=True)
class Answered:
    """What was asked of a panel.

    Attributes:
        what: The pages.
        target: The most seconds that the 95th percentile of the processor time should be.
        answers: What each took.
    """

    what: str
    target: float
    answers: "tuple[Answer, ...]"

    @property
    def aim(self) -> Target:
        late = _late([each.processor for each in self.answers])
        return Target(
            what=f"panel: {self.what}", value=1_000 * late, most=1_000 * self.target, unit="ms"
        )


@frozen
class Answer:
    """What a page took.

    Attributes:
        seconds: From the request to its last byte.
        processor: Seconds of the server's processor.
        size: Its bytes.
    """

    seconds: float
    processor: float
    size: int


def panel_rows() -> Iterable[Answered]:
    """Measure all of them."""
    with TemporaryDirectory() as where:
        events, keep = Path(where) / "events", Path(where) / "kept"
        _store(events, keep)
        firsts = []
        for _ in range(_PROCESSES):
            with _served(events, keep) as port:
                firsts += _answered(port, [""])
        yield _row(f"overview of {EXPERIMENTS} experiments, first page of a process", 0.3, firsts)
        with _served(events, keep) as port:
            _answered(port, [""])
            again = _answered(port, [""] * _REQUESTS)
            yield _row(f"overview of {EXPERIMENTS} experiments, again", 0.3, again)
            asked = _answered(port, [*islice(cycle(_OVERVIEWS), _REQUESTS)])
            yield _row(f"overview of {EXPERIMENTS} experiments, searched and sorted", 0.3, asked)
            page = f"experiments/{quote(LARGE)}/analysis/"
            _answered(port, [page])
            changed = _answered(port, [page + each for each in _CHANGED])
            size = f"{VARIANTS} variants x {METRICS} metrics x {DAYS} days"
            yield _row(f"change of a control, {size}", 0.15, changed)


def panel_table(rows: Iterable[Answered]) -> Table:
    """As a table."""
    table = Table(
        caption="A panel in a process of its own, asked over HTTP on the loopback; sums are on the disk.\n"
        "Processor: the server's time for an answer; in all: until its last byte, with all that the machine "
        "does besides."
    )
    for column in ("panel", "processor", "95 of 100", "asked", "in all", "95 of 100", "page"):
        table.add_column(column, justify="left" if column == "panel" else "right")
    for row in rows:
        processor = [each.processor for each in row.answers]
        in_all = [each.seconds for each in row.answers]
        table.add_row(
            row.what,
            f"{median(processor) * 1000:,.0f} ms",
            f"{_late(processor) * 1000:,.0f} ms",
            f"{row.target * 1000:,.0f} ms "
            + ("[green]met[/]" if row.aim.is_met else "[red]missed[/]"),
            f"{median(in_all) * 1000:,.0f} ms",
            f"{_late(in_all) * 1000:,.0f} ms",
            f"{max(each.size for each in row.answers) / 1000:,.0f} kB",
        )
    return table


def _store(events: Path, keep: Path) -> None:
    """Read a few experiments, and keep sums of each."""
    write_events(events, count=_READ, users=10_000, actions=100_000)
    shown = source(str(events))
    files = SumsFiles(keep, version=shown.version)
    declared: Sequence[type[Experiment]] = experiments()
    read = [shown.gather(Question(each.name), lambda *_: None) for each in declared[:_READ]]
    known = [(sums, glance(sums)) for sums in read]
    for each, (sums, seen) in zip(declared, cycle(known), strict=False):
        files.put(Question(each.name), sums, seen)
    sums = example_sums()
    files.put(Question(LARGE), sums, glance(sums))


@contextmanager
def _served(events: Path, keep: Path) -> Iterator[int]:
    """The port of a new process."""
    command = [sys.executable, "-m", "tests.benchmarks.panel.server", str(events), str(keep)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            port = int(server.stdout.readline())
            _ask(port, "static/panel.js")  # It listens before it answers.
            yield port
        finally:
            server.terminate()


def _answered(port: int, pages: Iterable[str]) -> list[Answer]:
    return [_ask(port, page) for page in pages]


def _ask(port: int, page: str) -> Answer:
    start = perf_counter()
    where = HTTPConnection("127.0.0.1", port, timeout=60)
    where.request("GET", f"/{page}", headers={"Cookie": f"{cookie_name(TOKEN)}={TOKEN}"})
    answer = where.getresponse()
    body = answer.read()
    where.close()
    assert answer.status == 200, body
    assert b" data-refresh=" not in body, "something is being read"
    took = perf_counter() - start
    return Answer(took, float(answer.getheader(SECONDS) or "nan"), len(body))


def _row(what: str, target: float, answers: Iterable[Answer]) -> Answered:
    return Answered(what=what, target=target, answers=tuple(answers))


def _late(seconds: Sequence[float]) -> float:
    """The time within which 95 of 100 came."""
    return sorted(seconds)[-(-len(seconds) * 95 // 100) - 1]


if __name__ == "__main__":
    from rich.console import Console

    Console(width=145).print(panel_table(panel_rows()))
