"""The last answers, so that another part of the same page, or a file of it, does not compute them again."""

from collections import OrderedDict
from datetime import datetime
from typing import TypeAlias

from abkit.analysis.experiment_sums import ExperimentSums
from abkit.panel.answering import Answer, answer
from abkit.panel.controls import Controls
from abkit.panel.questions import Question
from abkit.process_lock import ProcessLock

MOST_ANSWERS = 8
"""So many are kept: one has a few megabytes."""

_Key: TypeAlias = tuple[Question, datetime, Controls]


class Answers:
    """What sums said to what was asked last."""

    def __init__(self) -> None:
        self._known: OrderedDict[_Key, Answer] = OrderedDict()
        self._lock = ProcessLock()

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
