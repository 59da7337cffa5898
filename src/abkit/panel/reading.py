"""Sums, read in the background and kept: a page shows what is known, and how old it is.

Whoever asks never waits for a query that runs. However many ask, it runs once.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from attrs import evolve, field, frozen

from abkit.analysis.aggregation.session import Progress
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.errors import AbkitError, EmptyDataError
from abkit.exposure.runtime.process_hooks import call_after_fork, close_at_exit
from abkit.panel.glance import Glance, glance
from abkit.panel.kept_sums import KeptSums
from abkit.panel.questions import Question
from abkit.panel.reading_thread import ReadingThread
from abkit.panel.sums_files import SumsFiles
from abkit.quoting import told

logger: logging.Logger = logging.getLogger("abkit")

REFRESH = timedelta(minutes=5)
"""What was read longer ago is read again when somebody looks."""

BRIEF = timedelta(seconds=10)
"""What was read since is not read again, whoever asks for it."""

MOST_QUESTIONS = 2_000
"""Of so many questions it is known what was found, in a few words."""

EXIT_TIMEOUT = 5.0
"""Seconds for which the end of the program waits for a query to end that was told to."""

_PAUSE = 0.1

_TOO_MUCH = "Too much is being asked at once: try again."


@frozen(kw_only=True)
class Reading:
    """What is known of the answer to a question.

    Attributes:
        glance: What the sums say by their plan, in a few words; None while nothing was read.
        made: When the sums were read, UTC; None while none were.
        problem: Why they could not be read the last time; empty if they could.
        nobody: Whether that was because there is no exposure, of the experiment or at all.
        progress: What is being read now: what, as which step, of about how many; None: nothing is.
        tried: When somebody last tried to read them, UTC.
    """

    glance: Glance | None = None
    made: datetime | None = None
    problem: str = ""
    nobody: bool = False
    progress: tuple[str, int, int] | None = None
    tried: datetime | None = None


@frozen
class Looked:
    """What is known now.

    Attributes:
        reading: What is known of the answer.
        sums: The sums; None while they were not read, or if they cannot be.
    """

    reading: Reading = field(factory=Reading)
    sums: ExperimentSums | None = None


Read: TypeAlias = Callable[[Question, Progress], ExperimentSums]
"""What reads the sums that a question asks for."""


class _ClosedError(Exception):
    """Nothing more is to be read."""


def _nothing_to_end() -> None:
    """What cannot be interrupted ends by itself."""


class SumsReader:
    """Reads sums, one question after the other, in a thread of its own.

    Args:
        read: Reads them.
        interrupt: Ends the query that runs, called from another thread.
        files: Where they are kept beyond the process; None: nowhere.
        refresh: How old what was read may be before it is read again.
        clock: Gives the time, UTC.
    """

    exit_timeout: float = EXIT_TIMEOUT

    def __init__(
        self,
        read: Read,
        *,
        interrupt: Callable[[], object] = _nothing_to_end,
        files: SumsFiles | None = None,
        refresh: timedelta = REFRESH,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._read = read
        self._interrupt = interrupt
        self._files = files
        self._refresh = refresh
        self._clock = clock
        self._known: OrderedDict[Question, Reading] = OrderedDict()
        self._sums = KeptSums()
        self._running: dict[Question, threading.Event] = {}
        self._lock = threading.Lock()
        self._thread = ReadingThread()
        call_after_fork(self)
        close_at_exit(self)

    def glance(self, question: Question) -> Reading:
        """What is known in a few words; what is not, or is old, is read from now on."""
        return self._look(question, anew=False, viewer="")[0]

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
        known, running = self._look(question, anew=anew, viewer=viewer)
        sums = self._kept(question, known)
        if sums is None and known.glance is not None and running is None:
            known, running = self._again(question, viewer)
        if sums is None and running is not None and patience:
            running.wait(patience.total_seconds())
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

    def _look(
        self, question: Question, *, anew: bool, viewer: str
    ) -> "tuple[Reading, threading.Event | None]":
        if question not in self._known and self._files is not None:
            kept = self._files.glance(question)
            if kept is not None:
                with self._lock:
                    made, found = kept
                    self._keep(question, Reading(glance=found, made=made, tried=made))
        with self._lock:
            known = self._known.get(question, Reading())
            if question in self._known:
                self._known.move_to_end(question)
            running = self._running.get(question)
            if running is None and self._is_due(known, anew=anew):
                return self._begin(question, known, viewer)
            return known, running

    def _kept(self, question: Question, known: Reading) -> ExperimentSums | None:
        with self._lock:
            sums = self._sums.get(question)
        if sums is not None or self._files is None or known.made is None:
            return sums
        sums = self._files.sums(question)
        if sums is not None and sums.made == known.made:
            with self._lock:
                self._sums.put(question, sums)
            return sums
        return None

    def _again(self, question: Question, viewer: str) -> "tuple[Reading, threading.Event | None]":
        """Read sums that are no longer kept."""
        with self._lock:
            known = self._known.get(question, Reading())
            running = self._running.get(question)
            return (known, running) if running else self._begin(question, known, viewer)

    def _is_due(self, known: Reading, *, anew: bool) -> bool:
        if known.tried is None:
            return True
        return self._clock() - known.tried >= (BRIEF if anew else self._refresh)

    def _begin(
        self, question: Question, known: Reading, viewer: str
    ) -> "tuple[Reading, threading.Event | None]":
        if self._thread.is_closed:
            return known, None
        line = None if question == Question(question.experiment) else viewer
        running = self._thread.submit(lambda: self._answer(question), line)
        if (
            running is None
        ):  # Nothing is kept of it: who is refused must not displace what is known.
            return evolve(known, problem=_TOO_MUCH), None
        known = evolve(known, progress=("waiting for its turn", 0, 1))
        self._keep(question, known)
        self._running[question] = running
        return known, running

    def _answer(self, question: Question) -> None:
        sums, problem, nobody = None, "", False
        try:
            sums = self._read(question, lambda *what: self._tell(question, *what))
            found = Reading(glance=glance(sums), made=sums.made, tried=self._clock())
        except _ClosedError:
            return
        except AbkitError as error:
            problem, nobody = str(error), type(error) is EmptyDataError
        except Exception as error:
            logger.exception("panel: the sums of %s cannot be read", told(question.experiment))
            problem = f"{type(error).__name__}: {error}"
        if self._thread.is_closed:
            return
        if sums is not None and not problem and self._files is not None:
            self._files.put(question, sums, found.glance or Glance())
        with self._lock:
            if problem:
                known = self._known.get(question, Reading())
                found = evolve(
                    known, problem=problem, nobody=nobody, progress=None, tried=self._clock()
                )
            self._keep(question, found)
            if sums is not None and not problem:
                self._sums.put(question, sums)
            self._running.pop(question, None)

    def _tell(self, question: Question, what: str, step: int, steps: int) -> None:
        if self._thread.is_closed:
            raise _ClosedError
        with self._lock:
            known = self._known.get(question, Reading())
            self._keep(question, evolve(known, progress=(what, step, max(step, steps))))

    def _keep(self, question: Question, reading: Reading) -> None:
        self._known[question] = reading
        self._known.move_to_end(question)
        while len(self._known) > MOST_QUESTIONS:
            self._known.popitem(last=False)
