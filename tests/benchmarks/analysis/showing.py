"""What it costs to judge kept sums and to show a result: a table."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from types import MappingProxyType

from attrs import frozen
from rich.table import Table

from abkit.analysis import Analysis, Design
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.analysis.presentation.charts import PAPER, Size
from abkit.analysis.presentation.charts.altair_chart import altair_chart
from abkit.analysis.presentation.charts.drawing import Drawing
from abkit.analysis.presentation.charts.svg import drawn
from abkit.analysis.presentation.charts.vega import vega_lite
from abkit.analysis.presentation.report import render
from abkit.experiments.declaring.metrics import Conversion, Metric, Sum

from ..targets import Target

VARIANTS, METRICS, DAYS = 8, 15, 90
VARIANT_NAMES = [f"v{number}" for number in range(VARIANTS)]
EXAMPLE_METRICS: list[Metric] = [
    Conversion(f"conversion {number}", action=f"m{number}", goal=0.05)
    if number % 2 == 0
    else Sum(f"sum {number}", action=f"m{number}", property="price", role="secondary")
    for number in range(METRICS)
]
_ROUNDS = 5
_LOOP = 1_000_000

_EVENTS = """
create table units as
select i, 'v' || (i % {variants}) as variant,
  timestamp '2026-01-01' + to_microseconds(cast(random() * {exposed} * 86400e6 as bigint)) as first
from range({units}) t(i);

copy (
  select 'e' || i as insert_id, first as time, 'Bench' as experiment, 'Bench' as salt, 'user' as unit_type,
    'u' || i as unit_id, variant, 'u' || i as user_id, map {{'org': 'o'}} as groups, '{{}}' as properties
  from units
) to '{where}/exposures.parquet' (format parquet);

copy (
  select 'a' || j as insert_id,
    timestamp '2026-01-01' + to_microseconds(cast(random() * {days} * 86400e6 as bigint)) as time,
    'm' || (j % {metrics}) as action, 'u' || cast(floor(random() * {units}) as bigint) as user_id,
    map {{'org': 'o'}} as groups, '{{"price": ' || round(random() * 9, 2) || '}}' as properties
  from range({actions}) t(j)
) to '{where}/actions.parquet' (format parquet);
"""


@frozen(kw_only=True)
class Shown:
    """A step from sums to pages.

    Attributes:
        what: The step.
        target: The most processor time that was asked for, in seconds; None: nothing was.
        seconds: Its processor time, by round.
        loops: The time of a million turns of an empty loop just before, by round: the machine's speed.
    """

    what: str
    target: float | None
    seconds: tuple[float, ...]
    loops: tuple[float, ...]

    @property
    def aim(self) -> Target | None:
        if self.target is None:
            return None
        took = 1_000 * median(self.seconds)
        return Target(what=self.what, value=took, most=1_000 * self.target, unit="ms")


def showing_rows() -> Iterable[Shown]:
    """Measure all of them, on one experiment."""
    sums = example_sums()
    result = sums.result()
    charts = Drawing(result)
    found = result.metrics[0]
    steps: tuple[tuple[str, float | None, Callable[[], object]], ...] = (
        ("judge the sums", 0.15, sums.result),
        (
            "one chart of a page",
            0.02,
            lambda: [
                drawn(plot, size=Size(), label="")
                for plot in [charts.over_time(0, found)]
                if plot is not None
            ],
        ),
        (
            "one chart of a notebook",
            None,
            lambda: [
                altair_chart(vega_lite(plot, theme=PAPER, size=Size()))
                for plot in [charts.over_time(0, found)]
                if plot is not None
            ],
        ),
        ("the whole page", 0.5, lambda: render(result)),
    )
    for what, target, step in steps:
        step()
        rounds = [(_time(_empty_loop), _time(step)) for _ in range(_ROUNDS)]
        yield Shown(
            what=what,
            target=target,
            seconds=tuple(took for _, took in rounds),
            loops=tuple(loop for loop, _ in rounds),
        )


def showing_table(rows: Iterable[Shown]) -> Table:
    """As a table."""
    table = Table(
        caption=f"{VARIANTS} variants, {METRICS} metrics, {DAYS} days: processor time, medians of {_ROUNDS} "
        "rounds.\nLoops: the same in turns of an empty loop, which took the last column for each million."
    )
    for column in ("what", "took", "asked", "million loops", "one million"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for row in rows:
        ratio = median(took / loop for took, loop in zip(row.seconds, row.loops, strict=True))
        table.add_row(
            row.what,
            f"{median(row.seconds) * 1000:,.0f} ms",
            "" if row.target is None else f"{row.target * 1000:,.0f} ms",
            f"{ratio:.1f}",
            f"{median(row.loops) * 1000:.0f} ms",
        )
    return table


@cache
def example_sums() -> ExperimentSums:
    """What a database gave of an experiment of that size."""
    import duckdb

    design = Design(
        name="Bench",
        salt="Bench",
        unit_type="user",
        control=VARIANT_NAMES[0],
        weights=MappingProxyType(dict.fromkeys(VARIANT_NAMES, 1 / VARIANTS)),
        metrics=tuple(EXAMPLE_METRICS),
    )
    with TemporaryDirectory() as where:
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'; set threads = 1")
            connection.execute("select setseed(0.5)")
            connection.execute(
                _EVENTS.format(
                    where=where,
                    variants=VARIANTS,
                    metrics=METRICS,
                    days=DAYS,
                    exposed=DAYS - 1,
                    units=40_000,
                    actions=400_000,
                )
            )
        folder = Path(where)
        return Analysis(
            design,
            exposures=folder / "exposures.parquet",
            actions=folder / "actions.parquet",
        ).gather()


def _time(step: Callable[[], object]) -> float:
    start = process_time()
    step()
    return process_time() - start


def _empty_loop() -> None:
    for _ in range(_LOOP):
        pass
