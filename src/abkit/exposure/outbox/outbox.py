"""Events on disk until they are delivered, so that they survive the process."""

import os
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from abkit.errors import DeliveryError
from abkit.events import Event
from abkit.exposure.outbox.journal import dead_letter_entry, event_entry, read
from abkit.exposure.outbox.segment import SUFFIX, Segment, require_locks
from abkit.exposure.stats import DeadLetter

_DEAD_LETTERS = "dead-letters"
_MOST_DEAD_LETTERS = 10_000_000


@frozen
class Recovered:
    """What one check has found of the events that dead processes have left.

    Attributes:
        events: Those of one file that are not delivered; none: no process has left any.
        unreadable: How many entries, or whole files, were found for the first time that cannot be read.
        complete: Whether every file could be read that may hold events.
    """

    events: Sequence[Event]
    unreadable: int
    complete: bool


class Outbox:
    """A directory in which processes save accepted events until they are delivered or rejected.

    Saved events survive `kill -9`. They are not synced to disk, so they may not survive a power cut. Any
    number of processes can share a directory on a local disk: each delivers its own events, and those that
    dead processes have left. See the page on delivery.

    Args:
        directory: The directory. It is created if it does not exist.
        max_size: The most bytes that this process keeps, to a `segment_size`. Further events are not saved.
        segment_size: Bytes after which a new file is begun. A file is removed when its events are settled.

    Raises:
        DeliveryError: The directory cannot be created or written to, a limit is invalid, or the system has
            no flock(2).
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        max_size: int = 256_000_000,
        segment_size: int = 4_000_000,
    ) -> None:
        require_locks()
        if not 0 < segment_size <= max_size:
            message = (
                "Outbox: segment_size must be above 0 and at most max_size, not "
                f"segment_size={segment_size}, max_size={max_size}"
            )
            raise DeliveryError(message)
        self._directory = Path(directory).absolute()
        self._max_size = max_size
        self._segment_size = segment_size
        self._check_writable()
        self._lock = threading.RLock()
        self._current: Segment | None = None
        self._segments: list[Segment] = []
        self._reported: set[str] = set()

    def save(self, event: Event) -> None:
        """Write an event down. Called by many threads at once.

        Args:
            event: An event with its insert id; one whose id is pending already is not written again.

        Raises:
            OSError: The disk does not take it, or `max_size` is reached.
            TypeError: A part of the event is of a kind that none of its kind has.
            AttributeError: It is no event.
        """
        entry = event_entry(event)
        name = event.insert_id
        with self._lock:
            # Pending before it is written: nobody removes the file in between.
            segment = self._current
            if segment is None or segment.size >= self._segment_size:
                segment = self._next()
            if name in self:
                return
            segment.pending[name] = None
        try:
            segment.append(entry)
        except OSError:
            segment.pending.pop(name, None)
            raise

    def __contains__(self, insert_id: object) -> bool:
        for segment in self._segments:  # noqa: SIM110 - any() takes longer, and this is in the request
            if insert_id in segment.pending:
                return True
        return False

    def on_disk(self, insert_ids: Iterable[str]) -> set[str]:
        """Those of the events that another process could deliver: they are pending, and their file exists."""
        names = set(insert_ids)
        found: set[str] = set()
        for segment in list(self._segments):
            if segment.exists:
                found.update(names.intersection(segment.pending))
        return found

    def forget_removed_files(self) -> int:
        """Forget the files that somebody has removed; the next event begins a new one.

        Returns:
            How many pending events were in them: these are in memory only.
        """
        with self._lock:
            removed = [segment for segment in self._segments if not segment.exists]
            for segment in removed:
                self._segments.remove(segment)
                if segment is self._current:
                    self._current = None
        for segment in removed:
            segment.abandon()
        return sum(len(segment.pending) for segment in removed)

    def settle(self, insert_ids: Iterable[str]) -> None:
        """Note that these events need not be sent any more; others than those saved do not matter.

        Raises:
            OSError: The disk does not take the note: a later process may send the events again.
        """
        names = tuple(insert_ids)
        failure: OSError | None = None
        for segment in list(self._segments):
            try:
                segment.settle(names)
            except OSError as error:
                failure = error
            self._finish_if_done(segment)
        if failure is not None:
            raise failure

    def save_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Save rejected events for inspection, at most 10 MB.

        Raises:
            OSError: The disk does not take them.
        """
        path = self._directory / _DEAD_LETTERS
        entries = b"".join([dead_letter_entry(letter) for letter in letters])
        # If it is a pipe that nobody reads, it must not block.
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK, 0o600)
        try:
            if os.fstat(file).st_size + len(entries) <= _MOST_DEAD_LETTERS:
                os.write(file, entries)
        finally:
            os.close(file)

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """The rejected events of all processes. Remove the file `dead-letters` to discard them."""
        try:
            return read((self._directory / _DEAD_LETTERS).read_bytes()).dead_letters
        except FileNotFoundError:
            return ()

    def recover(self) -> Recovered:
        """Take over one file that a dead process has left.

        Raises:
            OSError: The directory cannot be read.
        """
        unreadable = 0
        complete = True
        for path, is_file in self._files():
            if not is_file:
                unreadable += self._is_first_report(path)
                continue
            try:
                recovered = Segment.recover(path)
            except OSError:  # One bad file does not keep the others from being delivered.
                unreadable += self._is_first_report(path)
                complete = False
                continue
            if recovered is None:
                continue
            segment, journal = recovered
            unreadable += journal.damaged
            with self._lock:
                # What is pending in two files at once, this process has already.
                news = [event for event in journal.events if event.insert_id not in self]
                for event in journal.events:
                    if event.insert_id in self:
                        del segment.pending[event.insert_id]
                self._segments.append(segment)
            self._finish_if_done(segment)
            if news:
                return Recovered(news, unreadable, complete)
        return Recovered([], unreadable, complete)

    def _is_first_report(self, unreadable: Path) -> bool:
        """Whether this is the first time that it is found; a process looks every few seconds."""
        if unreadable.name in self._reported:
            return False
        self._reported.add(unreadable.name)
        return True

    def _files(self) -> list[tuple[Path, bool]]:
        """What is called as files of events are, and whether it is a regular file."""
        try:
            with os.scandir(self._directory) as entries:
                found = [
                    (Path(entry.path), entry.is_file(follow_symlinks=False))
                    for entry in entries
                    if entry.name.endswith(SUFFIX)
                ]
        except (FileNotFoundError, NotADirectoryError):  # Removed, with all that was in it.
            return []
        return sorted(found)

    def close(self) -> None:
        """Remove what is settled, and leave the rest to other processes."""
        with self._lock:
            segments, self._segments = self._segments, []
            self._current = None
        for segment in segments:
            segment.finish()

    def after_fork(self) -> None:
        """In a forked child: let go of the parent's files."""
        self._lock = threading.RLock()
        segments, self._segments = self._segments, []
        self._current = None
        for segment in segments:
            segment.abandon()

    def _next(self) -> Segment:
        """Begin a new file, and remove the last one if it is done."""
        full, self._current = self._current, None
        if full is not None:
            self._finish_if_done(full)
        size = sum(segment.size for segment in self._segments)
        if size + self._segment_size > self._max_size:
            message = f"the outbox is full: this process keeps {self._max_size} bytes at most"
            raise OSError(message)
        self._directory.mkdir(parents=True, exist_ok=True)  # Somebody may have removed it.
        segment = Segment.create(self._directory)
        self._segments.append(segment)
        self._current = segment
        return segment

    def _finish_if_done(self, segment: Segment) -> None:
        with self._lock:
            if segment.pending or segment is self._current or segment not in self._segments:
                return
            self._segments.remove(segment)
        segment.finish()

    def _check_writable(self) -> None:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            Segment.create(self._directory).finish()
        except OSError as error:
            message = (
                f"Outbox: {self._directory} must be a directory that can be written to: {error}"
            )
            raise DeliveryError(message) from error

    def __repr__(self) -> str:
        pending = sum(len(segment.pending) for segment in self._segments)
        with suppress(ValueError):
            return f"<Outbox in {self._directory.relative_to(Path.cwd())}, {pending} pending>"
        return f"<Outbox in {self._directory}, {pending} pending>"
