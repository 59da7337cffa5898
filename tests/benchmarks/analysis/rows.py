"""The analysis beside the same sums by hand, in turns: a table."""

from collections.abc import Iterable
from multiprocessing import Process
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from attrs import frozen
from rich.table import Table

from ..taken import taken
from ..targets import Target
from .data import make

_ASKED: tuple[tuple[str, str, str, float, int], ...] = (
    ("2M exposures, 5M actions, 4 metrics, CUPED", "final", "final by hand", 1.25, 3),
    ("the same, actions without insert ids", "final, unnamed", "final, unnamed, by hand", 1.25, 5),
    ("21 days, cumulative", "over time", "over time by hand", 1.3, 3),
    (
        "the same, actions without insert ids",
        "over time, unnamed",
        "over time, unnamed, by hand",
        1.3,
        5,
    ),
    ("visitors, 1M identities; by hand: users, none", "visitors", "final", 1.4, 5),
    ("5M times, all different, p95; by hand: their sum", "quantile", "sum", 2, 5),
    ("rehearsal: 1.2M units, 500 splits; by hand: one", "rehearsal", "final by hand", 6, 3),
    ("10M units, 4 metrics", "units", "units by hand", 1.15, 15),
)
"""What, the program, what it is measured by, the most that the ratio should be, and the rounds."""


@frozen(kw_only=True)
class Beside:
    """A program and what it is measured by.

    Attributes:
        what: What they do.
        target: The most that the ratio of their times should be.
        cpu: Processor time of both, by round, in seconds, without imports.
        wall: Time of both likewise.
        peak: The largest resident memory of both, in MB.
    """

    what: str
    target: float
    cpu: tuple[tuple[float, float], ...]
    wall: tuple[tuple[float, float], ...]
    peak: tuple[tuple[float, float], ...]

    @property
    def ratio(self) -> float:
        """Of the processor times, the median of the rounds."""
        return median(a / b for a, b in self.cpu)

    @property
    def aim(self) -> Target:
        return Target(what=self.what, value=self.ratio, most=self.target)


def analysis_rows() -> Iterable[Beside]:
    """Measure all of them."""
    with TemporaryDirectory() as where:
        # In a process of its own, whose memory is given back.
        maker = Process(
            target=make, args=(Path(where), 1_200_000, 5_000_000, 10_000_000, 1_000_000)
        )
        maker.start()
        maker.join()
        for what, program, by_hand, target, times in _ASKED:
            rounds = [(_run(program, where), _run(by_hand, where)) for _ in range(times)]
            yield Beside(
                what=what,
                target=target,
                cpu=tuple((a["cpu"], b["cpu"]) for a, b in rounds),
                wall=tuple((a["wall"], b["wall"]) for a, b in rounds),
                peak=tuple((a["peak"], b["peak"]) for a, b in rounds),
            )


def analysis_table(rows: Iterable[Beside]) -> Table:
    """As a table."""
    table = Table(
        caption="Each figure is of a program of its own, without imports; by hand: DuckDB alone. "
        "Medians of several rounds in turns."
    )
    for column in ("what", "processor time, by hand", "abkit", "ratio", "target", "peak memory"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for row in rows:
        ours, by_hand = median(a for a, _ in row.cpu), median(b for _, b in row.cpu)
        low, high = min(a / b for a, b in row.cpu), max(a / b for a, b in row.cpu)
        memory, memory_by_hand = median(a for a, _ in row.peak), median(b for _, b in row.peak)
        table.add_row(
            row.what,
            f"{by_hand:.1f} s",
            f"{ours:.1f} s",
            f"{row.ratio:.2f} ({low:.2f} to {high:.2f})",
            f"{row.target:.2f}",
            f"{memory:,.0f} / {memory_by_hand:,.0f} MB = {memory / memory_by_hand:.2f}",
        )
    return table


def _run(program: str, where: str) -> dict[str, float]:
    return taken(f"{__package__}.program", program, where)
