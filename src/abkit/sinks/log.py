"""Events as lines of the standard library's logging."""

import json
import logging
from collections.abc import Sequence

from abkit.events import Event
from abkit.sinks.base import Outcome
from abkit.sinks.records import json_line, kind_of, record
from abkit.sinks.refusals import sorted_out, with_refusals


class LogSink:
    """Logs one line for each event: "exposure", "action" or "identity", and the record as a JSON object.

    The log record also has the event's record as a dict, in its attribute `abkit`.

    Args:
        logger: The logger, or its name.
        level: The level of the lines.
    """

    def __init__(
        self, logger: logging.Logger | str = "abkit.events", *, level: int = logging.INFO
    ) -> None:
        self._logger = logging.getLogger(logger) if isinstance(logger, str) else logger
        self._level = level

    def send(self, events: Sequence[Event], /) -> Outcome:
        """Log the events."""
        if not self._logger.isEnabledFor(self._level):
            return None
        sound, refusals = sorted_out(events, record)
        for event, each in sound:
            line = _printable(json_line(each))
            self._logger.log(self._level, "%s %s", kind_of(event), line, extra={"abkit": each})
        return with_refusals(refusals, None)

    def __repr__(self) -> str:
        return f"<LogSink {self._logger.name} at {logging.getLevelName(self._level)}>"


def _printable(line: str) -> str:
    """JSON in which what a terminal would obey, or take for the end of a line, is escaped as JSON does."""
    if line.isprintable():
        return line
    return "".join([each if each.isprintable() else json.dumps(each)[1:-1] for each in line])
