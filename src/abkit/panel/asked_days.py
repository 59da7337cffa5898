"""The days that a person asks for, as they said them: the last one counts. Pure."""

from datetime import UTC, date, datetime, timedelta

from abkit.analysis import times
from abkit.errors import OutsideFrameError
from abkit.panel.questions import Question


def asked_days(since: date | None, until: date | None) -> str:
    """The days in words, such as "from 2026-11-05 to the end of 2026-11-12"; empty if all are."""
    parts = [
        *([] if since is None else [f"from {since}"]),
        *([] if until is None else [f"to the end of {until}"]),
    ]
    return " ".join(parts)


def shown_frame(frame: tuple[datetime | None, datetime | None]) -> str:
    """A time frame whose ends are those of days, in the same words; empty if it is open at both ends.

    Args:
        frame: From when (included) until when (excluded).
    """
    start, end = frame
    since = None if start is None else start.astimezone(UTC).date()
    until = None if end is None else (end.astimezone(UTC) - timedelta(microseconds=1)).date()
    said = asked_days(since, until)
    return f"{said}, UTC" if said else ""


def outside(question: Question, error: OutsideFrameError) -> OutsideFrameError:
    """The error that no exposure is of the days that were asked for, in the same words."""
    problem = (
        f"has no exposure of {question.experiment!r} {asked_days(question.since, question.until)} (UTC): "
        f"all are of {times.period((error.first, error.last))}"
    )
    return OutsideFrameError(error.source, problem, first=error.first, last=error.last)
