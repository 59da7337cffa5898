"""The last answers, so that another part of the same page, or a file of it, does not compute them again."""

import threading
from collections import OrderedDict
from datetime import datetime
from typing import TypeAlias

from abkit.analysis.experiment_sums import ExperimentSums
from abkit.exposure.runtime.process_hooks import call_after_fork
from abkit.panel.answering import Answer, answer
from abkit.panel.controls import Controls
from abkit.panel.questions import Question

MOST_ANSWERS = 8
"""So many are kept: one has a few megabytes."""

_Key: TypeAlias = tuple[Question, datetime, Controls]


class Answers:
    """What sums said to what was asked last."""

    def __init__(self) -> None:
        self._known: OrderedDict[_Key, Answer] = OrderedDict()
        self._lock = threading.Lock()
        call_after_fork(self)

    def of(self, question: Question, sums: ExperimentSums, controls: Controls) -> Answer:
        """As `answer`.

        Args:
            question: Which sums these are.
            sums: The sums.
            controls: What is asked.
        """
        key = (question, sums.made, controls)
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known
        found = answer(sums, controls)
        with self._lock:
            self._known[key] = found
            while len(self._known) > MOST_ANSWERS:
                self._known.popitem(last=False)
        return found

    def after_fork(self) -> None:
        """As `ForkAware.after_fork`."""
        self._lock = threading.Lock()
