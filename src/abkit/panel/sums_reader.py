"""Sums, read in the background and kept: a page shows what is known, and how old it is.

Whoever asks never waits for a query that runs. However many ask, it runs once.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from attrs import evolve, frozen

from abkit.analysis.aggregation.session import Progress
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.errors import AbkitError, EmptyDataError
from abkit.exposure.runtime.process_hooks import (
    call_after_fork,
    close_at_exit,
    pause_at_fork,
)
from abkit.panel.glance import glance
from abkit.panel.kept_sums import KeptSums
from abkit.panel.questions import Question
from abkit.panel.reading import Looked, Reading
from abkit.panel.reading_thread import ReadingThread, Urgency, Work
from abkit.panel.real_threads import in_real_thread
from abkit.panel.sums_files import SumsFiles
from abkit.quoting import told

logger: logging.Logger = logging.getLogger("abkit")

REFRESH = timedelta(minutes=5)
"""What was read longer ago is read again when somebody looks."""

LONG = timedelta(days=1)
"""What was read longer ago is read again though no event came: time passes, and makes units mature. Of
experiments that expose nobody any more, nothing is read again before."""

REST = 2
"""What an overview shows is read again after so many times the time that all of it takes: a processor is busy
half of the time at most, however many experiments there are."""

BRIEF = timedelta(seconds=10)
"""What was read since is not read again, whoever asks for it."""

MOST_QUESTIONS = 2_000
"""Of so many questions it is known what was found, in a few words."""

EXIT_TIMEOUT = 5.0
"""Seconds for which the end of the program waits for a query to end that was told to."""

FORK_TIMEOUT = 2.0
"""Seconds for which a fork waits for a query to end that was told to."""

_PAUSE = 0.1

_TOO_MUCH = "Too much is being asked at once: try again."


Read: TypeAlias = Callable[[Question, Progress], ExperimentSums]
"""What reads the sums that a question asks for."""


@frozen(kw_only=True)
class _Attempt:
    """What came of reading sums: these, and what is known by them, or the problem; or it was ended."""

    sums: ExperimentSums | None = None
    reading: Reading | None = None
    problem: str = ""
    nobody: bool = False
    ended: bool = False


State: TypeAlias = Callable[[Question], str]
"""What tells whether that would give other sums than before; empty if it is not known."""


class _ClosedError(Exception):
    """Nothing more is to be read."""


def _nothing_to_end() -> None:
    """What cannot be interrupted ends by itself."""


def _unknown(_question: Question) -> str:
    return ""


class SumsReader:
    """Reads sums, one question after the other, in a thread of its own: first what a person waits for.

    Args:
        read: Reads them.
        interrupt: Ends the query that runs, called from another thread.
        state: Tells whether the events changed since.
        files: Where they are kept beyond the process; None: nowhere.
        refresh: How old what was read may be before it is read again.
        clock: Gives the time, UTC.
    """

    exit_timeout: float = EXIT_TIMEOUT
    fork_timeout: float = FORK_TIMEOUT

    def __init__(
        self,
        read: Read,
        *,
        interrupt: Callable[[], object] = _nothing_to_end,
        state: State = _unknown,
        files: SumsFiles | None = None,
        refresh: timedelta = REFRESH,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._read = read
        self._interrupt = interrupt
        self._state = state
        self._files = files
        self._refresh = refresh
        self._clock = clock
        self._known: OrderedDict[Question, Reading] = OrderedDict()
        self._sums = KeptSums()
        self._all_take = timedelta(0)
        self._past: set[str] = set()
        self._running: dict[Question, Work] = {}
        self._anew: set[Question] = set()
        self._lock = threading.Lock()
        self._thread = ReadingThread()
        call_after_fork(self)
        pause_at_fork(self)
        close_at_exit(self)

    def glance(self, question: Question, *, active: bool = True) -> Reading:
        """What is known in a few words; what is not, or is old, is read from now on.

        Args:
            question: Which sums.
            active: Whether the experiment exposes units: if not, there is little new to read.
        """
        if active:
            self._past.discard(question.experiment)
        else:
            self._past.add(question.experiment)
        return self._look(question)[0]

    def look(
        self,
        question: Question,
        *,
        anew: bool = False,
        patience: timedelta = timedelta(0),
        viewer: str = "",
    ) -> Looked:
        """What is known, with the sums.

        Args:
            question: Which sums.
            anew: Read them again, unless they were read just now.
            patience: How long to wait for sums of which nothing is known yet.
            viewer: Who asks. What one person asks for beside the plan waits for no more than one thing of
                each other's.
        """
        known, running = self._look(question, anew=anew, viewer=viewer, opened=True)
        sums = self._kept(question)
        if sums is None and known.glance is not None:
            known, running = self._again(question, known, viewer)
        if running is not None:
            self._thread.hurry(running, Urgency.PERSON)
            if sums is None and patience:
                running.done.wait(patience.total_seconds())
        with self._lock:
            return Looked(self._known.get(question, known), self._sums.get(question) or sums)

    def close(self) -> None:
        """Read nothing more: what waits is left out, and the query that runs is ended."""
        self._thread.close()
        with self._lock:
            self._nothing_runs()
        self._interrupt()

    def close_at_exit(self) -> None:
        """As `ClosedAtExit.close_at_exit`."""
        self.close()

    def wait_until_closed(self) -> bool:
        """As `ClosedAtExit.wait_until_closed`."""
        for _ in range(int(self.exit_timeout / _PAUSE)):
            if self._thread.wait(_PAUSE):
                return True
            self._interrupt()  # A query may have begun since.
        return False

    def before_fork(self) -> None:
        """As `PausedAtFork.before_fork`: a child that is made while DuckDB works could never use DuckDB."""
        self._thread.pause()
        self._interrupt()
        self._thread.wait(self.fork_timeout)

    def after_fork_in_parent(self) -> None:
        """As `PausedAtFork.after_fork_in_parent`: what was interrupted is read when it is asked for again."""
        self._thread.resume()

    def after_fork(self) -> None:
        """As `ForkAware.after_fork`: the thread stayed with the parent process, and maybe held the lock."""
        self._lock = threading.Lock()
        self._thread = ReadingThread()
        self._nothing_runs()

    def _nothing_runs(self) -> None:
        for question in self._running:
            if question in self._known:
                self._known[question] = evolve(self._known[question], progress=None)
        self._running.clear()
        self._anew.clear()

    def _look(
        self, question: Question, *, anew: bool = False, viewer: str = "", opened: bool = False
    ) -> tuple[Reading, Work | None]:
        """What is known, and what is being done; `opened`: somebody looks at this experiment's page."""
        if question not in self._known and self._files is not None:
            kept = self._files.glance(question)
            if kept is not None:
                reading = Reading(
                    glance=kept.glance, made=kept.made, tried=kept.made, state=kept.state
                )
                with self._lock:
                    self._keep(question, reading)
        with self._lock:
            known = self._known.get(question, Reading())
            if question in self._known:
                self._known.move_to_end(question)
            running = self._running.get(question)
            refresh = self._refresh if opened else max(self._refresh, REST * self._all_take)
            if running is None and self._is_due(question, known, refresh, anew=anew):
                return self._begin(question, known, viewer, anew=anew)
            return known, running

    def _kept(self, question: Question) -> ExperimentSums | None:
        with self._lock:
            sums = self._sums.get(question)
            made = self._known.get(question, Reading()).made
        if sums is not None or self._files is None or made is None:
            return sums
        sums = self._files.sums(question)
        if sums is not None and sums.made == made:
            with self._lock:
                self._sums.put(question, sums)
            return sums
        return None

    def _again(
        self, question: Question, known: Reading, viewer: str
    ) -> tuple[Reading, Work | None]:
        """Read sums that are no longer kept, though no event came."""
        with self._lock:
            known, running = self._known.get(question, known), self._running.get(question)
            if running is None:
                return self._begin(question, known, viewer, anew=True)
            self._anew.add(question)
            return known, running

    def _is_due(
        self, question: Question, known: Reading, refresh: timedelta, *, anew: bool
    ) -> bool:
        if known.tried is None:
            return True
        age = self._clock() - known.tried
        if anew:
            return age >= BRIEF
        is_past = question.experiment in self._past and not known.problem
        return age >= (max(refresh, LONG) if is_past else refresh)

    def _begin(
        self, question: Question, known: Reading, viewer: str, *, anew: bool
    ) -> tuple[Reading, Work | None]:
        if self._thread.is_closed:
            return known, None
        line = None if question == Question(question.experiment) else viewer
        running = self._thread.submit(
            lambda: self._answer(question), line, self._urgency(question, known)
        )
        if running is None:
            # Nothing is kept of it: who is refused must not displace what is known.
            return evolve(known, problem=_TOO_MUCH), None
        known = evolve(known, progress=("waiting for its turn", 0, 1))
        self._keep(question, known)
        if anew:
            self._anew.add(question)
        self._running[question] = running
        return known, running

    def _urgency(self, question: Question, known: Reading) -> Urgency:
        if known.tried is not None:
            return Urgency.AGAIN
        return Urgency.NEW_OF_PAST if question.experiment in self._past else Urgency.NEW

    def _answer(self, question: Question) -> None:
        attempt = in_real_thread(lambda: self._attempt(question))
        if attempt is None or self._thread.is_closed:
            return
        with self._lock:
            found = attempt.reading
            if attempt.ended:
                self._forget(question)
                return
            if found is None:
                found = evolve(
                    self._known.get(question, Reading()),
                    problem=attempt.problem,
                    nobody=attempt.nobody,
                    progress=None,
                    tried=self._clock(),
                )
            self._keep(question, found)
            if attempt.sums is not None:
                self._sums.put(question, attempt.sums)
            self._settle(question)

    def _attempt(self, question: Question) -> "_Attempt | None":
        """What was read, or why nothing could be; None if nothing has to be."""
        try:
            # Before the events are read: what comes meanwhile is new.
            events = self._state(question)
            if self._is_same(question, events):
                return None
            began = self._clock()
            sums = self._read(question, lambda *what: self._tell(question, *what))
            seen, now = glance(sums), self._clock()
            found = Reading(glance=seen, made=sums.made, tried=now, state=events, took=now - began)
        except _ClosedError:
            return _Attempt(ended=True)
        except AbkitError as error:
            # Nobody wants to know that a query was ended for a fork.
            ended, nobody = self._thread.is_paused, type(error) is EmptyDataError
            return _Attempt(problem=str(error), nobody=nobody, ended=ended)
        except Exception as error:
            logger.exception("panel: the sums of %s cannot be read", told(question.experiment))
            return _Attempt(problem=f"{type(error).__name__}: {error}")
        if self._files is not None and not self._thread.is_closed:
            self._files.put(question, sums, seen, state=events)
        return _Attempt(sums=sums, reading=found)

    def _forget(self, question: Question) -> None:
        """Let a question be asked again as if it had not been."""
        known = self._known.get(question, Reading())
        self._keep(question, evolve(known, progress=None))
        self._settle(question)

    def _settle(self, question: Question) -> None:
        self._anew.discard(question)
        self._running.pop(question, None)

    def _is_same(self, question: Question, state: str) -> bool:
        """Whether what is known, or what another process kept, would only be read once more.

        If so, it holds from now on.
        """
        kept = None if self._files is None else self._files.glance(question)
        with self._lock:
            now, known = self._clock(), self._known.get(question, Reading())
            if kept is not None and kept.made != known.made:
                known = evolve(known, glance=kept.glance, made=kept.made, state=kept.state)
            if question in self._anew or not state or known.state != state:
                return False
            if known.made is None or now - known.made >= LONG:
                return False
            sums = self._sums.get(question)
            if sums is not None and sums.made != known.made:
                self._sums.forget(question)
            self._keep(question, evolve(known, problem="", nobody=False, progress=None, tried=now))
            self._settle(question)
        if self._files is not None:
            self._files.still_holds(question)
        return True

    def _tell(self, question: Question, what: str, step: int, steps: int) -> None:
        if self._thread.is_closed or self._thread.is_paused:
            raise _ClosedError
        with self._lock:
            known = self._known.get(question, Reading())
            self._keep(question, evolve(known, progress=(what, step, max(step, steps))))

    def _keep(self, question: Question, reading: Reading) -> None:
        before = self._known.get(question, Reading())
        self._all_take += reading.took - before.took
        self._known[question] = reading
        self._known.move_to_end(question)
        while len(self._known) > MOST_QUESTIONS:
            _, gone = self._known.popitem(last=False)
            self._all_take -= gone.took
