"""How often what went wrong: counted for ever, of which only the first of a kind is logged."""

from collections import Counter
from typing import TypeAlias

from abkit.process_lock import ProcessLock

Kind: TypeAlias = tuple[str, str]
"""What went wrong, such as an experiment's name, and the kind of error."""

_MOST_NAMES = 20
_LONGEST_NAME = 100
_OTHERS = "(others)"


class ErrorCounts(Counter[Kind]):
    """Errors by kind; of names that are made up for each request, most are counted together."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = ProcessLock()

    def record(self, what: object, error: Exception) -> tuple[Kind, bool]:
        """Count an error.

        Returns:
            The kind under which it is counted, of which there are not many; whether it is the first of it.
        """
        from abkit.quoting import quoted  # Only when something is wrong: importing it takes time.

        name = type(error).__name__
        # What is no text was passed by mistake, and may be anything.
        called = quoted(what, _LONGEST_NAME) if isinstance(what, str) else type(what).__name__
        kind = called, name
        with self._lock:
            if kind not in self:
                same = sum(1 for _, other in self if other == name)
                if same >= _MOST_NAMES:
                    kind = _OTHERS, name
            self[kind] += 1
            return kind, self[kind] == 1


def log_error(message: str, *parts: object, error: Exception | None = None) -> None:
    """Log an error.

    Args:
        message: With a %s for each part.
        parts: Of the message.
        error: Shown with its traceback; None: the message says it all.
    """
    import logging  # As above.

    logging.getLogger("abkit").error(message, *parts, exc_info=error)
