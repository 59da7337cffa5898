"""The days of a folder of events are merged, one after the other.

A day has three states, and each is whole: the old files; the old files and the new ones; the new files.
In the middle one each event is there twice, with one insert_id, by which readers and the next run tell. So
nothing must be written down about a run, and whatever ends it, the next one begins with what is there. A
file goes only when all of its rows are in files that are there for good: two runs at once lose nothing.
"""

import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

from attrs import evolve, field, frozen

from abkit.compaction.days import Day, StoredFile, days_to_merge, is_done
from abkit.compaction.event_files import EventFiles, event_files
from abkit.compaction.merging import MergeLimits, merging
from abkit.compaction.scratch import remove_abandoned, scratch
from abkit.errors import CompactionError

OLDER = timedelta(days=1)
SETTLE = timedelta(seconds=10)

Report: TypeAlias = Callable[["CompactedDay"], object]
"""Is told of each day when it is done."""


@frozen(kw_only=True)
class CompactedDay:
    """What became of one kind and date.

    Attributes:
        day: The files that were there.
        files: How many new files there are.
        size: Their bytes.
        rows: Their rows.
        copies: Rows that were there again, which are left out.
        left: Files that stay, as some of their rows have no insert_id.
        problem: What went wrong, or nothing. No event is lost by it, and the next run tries again.
    """

    day: Day
    files: int = 0
    size: int = 0
    rows: int = 0
    copies: int = 0
    left: tuple[StoredFile, ...] = ()
    problem: str = ""

    @property
    def replaced(self) -> int:
        """How many files were merged."""
        return len(self.day.files) - len(self.left) if self.files else 0


@frozen(kw_only=True)
class Compaction:
    """How a folder of events is compacted.

    Attributes:
        older_than: A day is merged when it has been over, in UTC, for this long.
        settle: Old files stay this long beside the new ones, for those who are about to read them.
        limits: How much is used at once.
        clock: Gives the seconds since the epoch.
        wait: Waits for so many seconds.
    """

    older_than: timedelta = OLDER
    settle: timedelta = SETTLE
    limits: MergeLimits = field(factory=MergeLimits)
    clock: Callable[[], float] = time.time
    wait: Callable[[float], object] = time.sleep

    def run(self, events: str, *, report: Report | None = None) -> list[CompactedDay]:
        """Merge the days that are over and have many files.

        Args:
            events: The folder, or its URL, that a `FileSink` writes to.
            report: Is told of each day when it is done; None: nobody is.

        Raises:
            CompactionError: There is no such folder.
            AnalysisError: A URL cannot be read.
            OSError: The folder cannot be looked into.
            MissingExtraError: duckdb, or fsspec, is not installed.
        """
        remove_abandoned()
        files = event_files(events)
        files.close_abandoned()
        before = (datetime.fromtimestamp(self.clock(), UTC) - self.older_than).date()
        compacted: list[CompactedDay] = []
        settling: deque[tuple[float, CompactedDay]] = deque()

        def done(each: CompactedDay) -> None:
            compacted.append(each)
            if report is not None:
                report(each)

        for day in days_to_merge(files.listed(), before=before):
            merged = self._merged(files, day)
            if merged is None:
                continue
            if merged.files:
                settling.append((self.clock() + self.settle.total_seconds(), merged))
            else:
                done(merged)
            while settling and settling[0][0] <= self.clock():
                done(_without_old(files, settling.popleft()[1]))
        for ready, merged in settling:
            self.wait(max(0.0, ready - self.clock()))
            done(_without_old(files, merged))
        return compacted

    def _merged(self, files: EventFiles, day: Day) -> CompactedDay | None:
        """Let the new files appear beside the old ones; None if there is nothing to do."""
        try:
            with scratch() as folder:
                return _put(files, day, folder, self.limits)
        except FileNotFoundError as error:
            problem = (
                f"{error.filename or error} is gone: another one merges too, or it was removed"
            )
        except (CompactionError, OSError) as error:
            problem = str(error)
        return CompactedDay(day=day, problem=problem)


def _put(files: EventFiles, day: Day, folder: Path, limits: MergeLimits) -> CompactedDay | None:
    copies = folder / "copies"
    copies.mkdir()
    fetched = files.fetched(day.files, copies)
    old = dict(zip(fetched, day.files, strict=True))
    with merging(day.kind, into=folder, limits=limits) as merger:
        unknown = merger.without_ids([*old])
        left = tuple(file for path, file in old.items() if path in unknown)
        if is_done([file for path, file in old.items() if path not in unknown]):
            return CompactedDay(day=day, left=left) if left else None
        merged = merger.merge([path for path in old if path not in unknown])
        run = uuid4().hex
        for number, path in enumerate(merged.files):
            files.put(path, day.target(run, number))
        return CompactedDay(
            day=day,
            files=len(merged.files),
            size=sum(path.stat().st_size for path in merged.files),
            rows=merged.rows,
            copies=merged.copies,
            left=left,
        )


def _without_old(files: EventFiles, merged: CompactedDay) -> CompactedDay:
    """Remove the old files, but for those that have changed since they were read."""
    day = merged.day
    try:
        there = {*files.listed([f"{day.kind}/date={day.date}"])}
        old = [file for file in day.files if file in there and file not in merged.left]
        files.remove(old)
    except OSError as error:
        return evolve(merged, problem=f"the old files are still there: {error}")
    return merged
