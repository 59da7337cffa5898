"""`abkit compact`: many small files of stored events become few large ones; for cron."""

import math
import re
from datetime import timedelta
from pathlib import Path

import click

from abkit.analysis.amounts import amount
from abkit.cli.config import required_events, stored_events_option
from abkit.cli.failing import one_line_errors
from abkit.compaction.compacting import OLDER, SETTLE, CompactedDay, Compaction
from abkit.compaction.days import KINDS
from abkit.compaction.merging import MergeLimits
from abkit.experiments.declaring.metric_fields import LONGEST
from abkit.file_systems import is_url
from abkit.quoting import masked

_SIZE = re.compile(r"\d+(\.\d+)?\s*([KMGT]i?)?B", re.IGNORECASE)

_MOST_SECONDS = 86_400


def _number(_ctx: click.Context, _option: click.Parameter, value: float) -> float:
    if math.isnan(value):  # No range refuses it.
        message = "must be a number, not nan"
        raise click.BadParameter(message)
    return value


def _memory(_ctx: click.Context, _option: click.Parameter, value: str) -> str:
    if not _SIZE.fullmatch(value):
        message = f"must be a size such as 512MB or 2GB, not {value!r}"
        raise click.BadParameter(message)
    return value


@click.command()
@stored_events_option
@click.option(
    "--older-than",
    metavar="DAYS",
    type=click.FloatRange(min=0, max=LONGEST.days),
    callback=_number,
    default=OLDER / timedelta(days=1),
    show_default=True,
    help="Merge a day when it has been over, in UTC, for this long.",
)
@click.option(
    "--settle",
    metavar="SECONDS",
    type=click.FloatRange(min=0, max=_MOST_SECONDS),
    callback=_number,
    default=SETTLE.total_seconds(),
    show_default=True,
    help="Keep the old files beside the new ones for this long, for those who are about to read them.",
)
@click.option(
    "--memory",
    metavar="SIZE",
    callback=_memory,
    default=MergeLimits().memory,
    show_default=True,
    help="What needs more goes to files in $TMPDIR for a while.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print only what went wrong.")
def compact(
    *, events: str | None, older_than: float, settle: float, memory: str, quiet: bool
) -> None:
    """Merge the files of each day that is over into few, sorted ones; for cron.

    Writers and readers go on meanwhile, and whatever interrupts it, no event is lost or counted twice. A file
    with a row that has no insert_id stays as it is. The exit code is 1 if a day could not be merged; the
    next run tries again.
    """
    compaction = Compaction(
        older_than=timedelta(days=older_than),
        settle=timedelta(seconds=settle),
        limits=MergeLimits(memory=memory),
    )

    def report(day: CompactedDay) -> None:
        if day.problem:
            click.echo(f"{day.day}: FAILED: {' '.join(day.problem.split())}", err=True)
        elif not quiet:
            click.echo(_line(day))

    where = required_events(events)
    with one_line_errors():
        days = compaction.run(where, report=report)
    merged = [day for day in days if day.files]
    if not quiet:
        old, new = (sum(each) for each in ([d.replaced for d in merged], [d.files for d in merged]))
        click.echo(
            f"{amount(old, 'file')} became {new:,} in {masked(where)}"
            if merged
            else f"nothing to merge in {masked(where)}{_lacking(where)}"
        )
    if any(day.problem for day in days):
        raise click.exceptions.Exit(1)


def _lacking(where: str) -> str:
    """What to say of a folder of this machine that no sink has written to."""
    if is_url(where) or any((Path(where) / kind).is_dir() for kind in KINDS):
        return ""
    return f", which has no folder {', '.join(KINDS[:-1])} or {KINDS[-1]}"


def _line(day: CompactedDay) -> str:
    parts = []
    if day.files:
        parts.append(
            f"{amount(day.replaced, 'file')} became {day.files:,}: "
            f"{amount(day.rows, 'row')}, {_bytes(day.size)}"
        )
    if day.copies:
        parts.append(f"{amount(day.copies, 'copy', 'copies')} left out")
    if day.left:
        parts.append(
            f"{amount(len(day.left), 'file')} left as {'it is' if len(day.left) == 1 else 'they are'}: "
            "rows without an insert_id"
        )
    return f"{day.day}: {'; '.join(parts)}"


def _bytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3)):,} kB"
