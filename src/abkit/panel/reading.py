"""Sums, read in the background and kept: a page shows what is known, and how old it is.

Whoever asks never waits for a query that runs. However many ask, it runs once.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from attrs import evolve, frozen

from abkit.analysis.aggregation.session import Progress
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.errors import AbkitError
from abkit.quoting import told

logger: logging.Logger = logging.getLogger("abkit")

REFRESH = timedelta(minutes=5)
"""Sums older than this are read again when somebody looks."""

MOST_KEPT = 300
"""So many sums are kept in memory: those that were asked for last."""


@frozen
class Question:
    """Which sums are wanted.

    Attributes:
        experiment: Its name.
        since: Exposures count from this day on, UTC; None: from the first.
        until: Exposures and actions count before this day, UTC; None: to the last.
        by: The property whose values are segments; None: those of the plan.
    """

    experiment: str
    since: date | None = None
    until: date | None = None
    by: str | None = None


@frozen(kw_only=True)
class Reading:
    """What is known of the answer to a question.

    Attributes:
        sums: The sums; None while they are read for the first time, or if they cannot be.
        read: When they were read, UTC.
        problem: Why they could not be read the last time; empty if they could.
        progress: What is being read now: what, as which step, of about how many; None: nothing is.
    """

    sums: ExperimentSums | None = None
    read: datetime | None = None
    problem: str = ""
    progress: tuple[str, int, int] | None = None


Read: TypeAlias = Callable[[Question, Progress], ExperimentSums]
"""What reads the sums that a question asks for."""


class SumsReader:
    """Reads sums, one question after the other, in a thread of its own.

    Args:
        read: Reads them.
        refresh: How old sums may be before they are read again.
        most_kept: How many are kept.
        clock: Gives the time, UTC.
    """

    def __init__(
        self,
        read: Read,
        *,
        refresh: timedelta = REFRESH,
        most_kept: int = MOST_KEPT,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._read = read
        self._refresh = refresh
        self._most_kept = most_kept
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[Question, Reading] = OrderedDict()
        self._running: dict[Question, Future[None]] = {}
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="abkit-panel")

    def look(
        self, question: Question, *, anew: bool = False, patience: timedelta = timedelta(0)
    ) -> Reading:
        """What is known now; what is not, or is old, is read from now on.

        Args:
            question: Which sums.
            anew: Read them again, however old they are.
            patience: How long to wait for sums of which nothing is known yet.
        """
        with self._lock:
            known = self._known.get(question, Reading())
            if question in self._known:
                self._known.move_to_end(question)
            running = self._running.get(question)
            if running is None and (anew or self._is_due(known)):
                running = self._begin(question, known)
        if running is not None and known.sums is None and not known.problem and patience:
            wait([running], timeout=patience.total_seconds())
        with self._lock:
            return self._known.get(question, known)

    def close(self) -> None:
        """Begin nothing more; what is being read is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _is_due(self, known: Reading) -> bool:
        return known.read is None or self._clock() - known.read >= self._refresh

    def _begin(self, question: Question, known: Reading) -> "Future[None]":
        self._keep(question, evolve(known, progress=("waiting for its turn", 0, 1)))
        running = self._running[question] = self._threads.submit(self._answer, question)
        return running

    def _answer(self, question: Question) -> None:
        try:
            sums = self._read(question, lambda *told: self._tell(question, *told))
            found = Reading(sums=sums, read=self._clock())
        except AbkitError as error:
            found = self._failed(question, str(error))
        except Exception as error:
            logger.exception("panel: the sums of %s cannot be read", told(question.experiment))
            found = self._failed(question, f"{type(error).__name__}: {error}")
        with self._lock:
            self._keep(question, found)
            self._running.pop(question, None)

    def _failed(self, question: Question, problem: str) -> Reading:
        """What was known before, and why there is nothing newer."""
        with self._lock:
            known = self._known.get(question, Reading())
        return Reading(sums=known.sums, read=self._clock(), problem=problem)

    def _tell(self, question: Question, what: str, step: int, steps: int) -> None:
        with self._lock:
            known = self._known.get(question, Reading())
            self._keep(question, evolve(known, progress=(what, step, max(step, steps))))

    def _keep(self, question: Question, reading: Reading) -> None:
        self._known[question] = reading
        self._known.move_to_end(question)
        while len(self._known) > self._most_kept:
            oldest = next((q for q in self._known if q not in self._running), None)
            if oldest is None:
                return
            del self._known[oldest]
