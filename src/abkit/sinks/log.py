"""Events as lines of the standard library's logging."""

import logging
from collections.abc import Sequence

from abkit.events import Event, Exposure
from abkit.sinks.records import action_record, exposure_record, json_line


class LogSink:
    """Logs one line for each event: "exposure" or "action", and the record as a JSON object.

    The log record carries the event's record besides, as a dict in its attribute `abkit`.

    Args:
        logger: The logger, or its name.
        level: The level of the lines.
    """

    def __init__(
        self, logger: logging.Logger | str = "abkit.events", *, level: int = logging.INFO
    ) -> None:
        self._logger = logging.getLogger(logger) if isinstance(logger, str) else logger
        self._level = level

    def send(self, events: Sequence[Event], /) -> None:
        """Log the events."""
        if not self._logger.isEnabledFor(self._level):
            return
        for event in events:
            if isinstance(event, Exposure):
                kind, record = "exposure", exposure_record(event)
            else:
                kind, record = "action", action_record(event)
            self._logger.log(self._level, "%s %s", kind, json_line(record), extra={"abkit": record})

    def __repr__(self) -> str:
        return f"<LogSink {self._logger.name} at {logging.getLevelName(self._level)}>"
