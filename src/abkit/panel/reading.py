"""Sums, read in the background and kept: a page shows what is known, and how old it is.

Whoever asks never waits for a query that runs. However many ask, it runs once.
"""

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from attrs import evolve, field, frozen

from abkit.analysis.aggregation.session import Progress
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.errors import AbkitError
from abkit.panel.glance import Glance, glance
from abkit.panel.questions import Question
from abkit.panel.sums_files import SumsFiles
from abkit.quoting import told

logger: logging.Logger = logging.getLogger("abkit")

REFRESH = timedelta(minutes=5)
"""What was read longer ago is read again when somebody looks."""

BRIEF = timedelta(seconds=10)
"""What was read since is not read again, whoever asks for it."""

MOST_SUMS = 40
"""So many sums are kept in memory: those that were asked for last."""

MOST_QUESTIONS = 2_000
"""Of so many questions it is known what was found, in a few words."""

MOST_WAITING = 500
"""So many questions may wait for their turn."""


@frozen(kw_only=True)
class Reading:
    """What is known of the answer to a question.

    Attributes:
        glance: What the sums say by their plan, in a few words; None while nothing was read.
        made: When the sums were read, UTC; None while none were.
        problem: Why they could not be read the last time; empty if they could.
        progress: What is being read now: what, as which step, of about how many; None: nothing is.
        tried: When somebody last tried to read them, UTC.
    """

    glance: Glance | None = None
    made: datetime | None = None
    problem: str = ""
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


class SumsReader:
    """Reads sums, one question after the other, in a thread of its own.

    Args:
        read: Reads them.
        files: Where they are kept beyond the process; None: nowhere.
        refresh: How old what was read may be before it is read again.
        clock: Gives the time, UTC.
    """

    def __init__(
        self,
        read: Read,
        *,
        files: SumsFiles | None = None,
        refresh: timedelta = REFRESH,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._read = read
        self._files = files
        self._refresh = refresh
        self._clock = clock
        self._known: OrderedDict[Question, Reading] = OrderedDict()
        self._sums: OrderedDict[Question, ExperimentSums] = OrderedDict()
        self._running: dict[Question, Future[None]] = {}
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._pid = os.getpid()

    def glance(self, question: Question) -> Reading:
        """What is known in a few words; what is not, or is old, is read from now on."""
        return self._look(question, anew=False)[0]

    def look(
        self, question: Question, *, anew: bool = False, patience: timedelta = timedelta(0)
    ) -> Looked:
        """What is known, with the sums.

        Args:
            question: Which sums.
            anew: Read them again, unless they were read just now.
            patience: How long to wait for sums of which nothing is known yet.
        """
        known, running = self._look(question, anew=anew)
        sums = self._kept(question, known)
        if sums is None and known.glance is not None and running is None:
            running = self._again(question)
        if sums is None and running is not None and patience:
            wait([running], timeout=patience.total_seconds())
        with self._lock:
            return Looked(self._known.get(question, known), self._sums.get(question, sums))

    def close(self) -> None:
        """Begin nothing more; what is being read is not waited for."""
        with self._lock:
            if self._threads is not None:
                self._threads.shutdown(wait=False, cancel_futures=True)

    def _look(self, question: Question, *, anew: bool) -> "tuple[Reading, Future[None] | None]":
        if question not in self._known and self._files is not None:
            kept = self._files.glance(question)
            if kept is not None:
                with self._lock:
                    made, found = kept
                    self._keep(question, Reading(glance=found, made=made, tried=made))
        with self._lock:
            self._after_fork()
            known = self._known.get(question, Reading())
            running = self._running.get(question)
            if running is None and self._is_due(known, anew=anew):
                running = self._begin(question, known)
            return self._known.get(question, known), running

    def _kept(self, question: Question, known: Reading) -> ExperimentSums | None:
        with self._lock:
            if question in self._sums:
                self._sums.move_to_end(question)
                return self._sums[question]
        if self._files is None or known.made is None:
            return None
        sums = self._files.sums(question)
        if sums is not None and sums.made == known.made:
            with self._lock:
                self._keep_sums(question, sums)
            return sums
        return None

    def _again(self, question: Question) -> "Future[None] | None":
        """Read sums that are no longer kept."""
        with self._lock:
            known = self._known.get(question, Reading())
            return self._running.get(question) or self._begin(question, known)

    def _is_due(self, known: Reading, *, anew: bool) -> bool:
        if known.tried is None:
            return True
        return self._clock() - known.tried >= (BRIEF if anew else self._refresh)

    def _begin(self, question: Question, known: Reading) -> "Future[None] | None":
        if len(self._running) >= MOST_WAITING:
            self._keep(
                question, evolve(known, problem="Too much is being asked at once: try again.")
            )
            return None
        if self._threads is None:
            self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="abkit-panel")
        try:
            running = self._threads.submit(self._answer, question)
        except RuntimeError:  # The program ends.
            return None
        self._keep(question, evolve(known, progress=("waiting for its turn", 0, 1)))
        self._running[question] = running
        return running

    def _after_fork(self) -> None:
        if self._pid != os.getpid():  # The threads stayed with the parent process.
            self._pid, self._threads = os.getpid(), None
            self._running.clear()

    def _answer(self, question: Question) -> None:
        sums, problem = None, ""
        try:
            sums = self._read(question, lambda *what: self._tell(question, *what))
            found = Reading(glance=glance(sums), made=sums.made, tried=self._clock())
            if self._files is not None:
                self._files.put(question, sums, found.glance or Glance())
        except AbkitError as error:
            problem = str(error)
        except Exception as error:
            logger.exception("panel: the sums of %s cannot be read", told(question.experiment))
            problem = f"{type(error).__name__}: {error}"
        with self._lock:
            if problem:
                known = self._known.get(question, Reading())
                found = evolve(known, problem=problem, progress=None, tried=self._clock())
            self._keep(question, found)
            if sums is not None and not problem:
                self._keep_sums(question, sums)
            self._running.pop(question, None)

    def _tell(self, question: Question, what: str, step: int, steps: int) -> None:
        with self._lock:
            known = self._known.get(question, Reading())
            self._keep(question, evolve(known, progress=(what, step, max(step, steps))))

    def _keep(self, question: Question, reading: Reading) -> None:
        self._known[question] = reading
        self._known.move_to_end(question)
        while len(self._known) > MOST_QUESTIONS:
            self._known.popitem(last=False)

    def _keep_sums(self, question: Question, sums: ExperimentSums) -> None:
        self._sums[question] = sums
        self._sums.move_to_end(question)
        while len(self._sums) > MOST_SUMS:
            self._sums.popitem(last=False)
