"""What a person asks of a result: to and from a query string, so that a link shows a colleague the same."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from attrs import evolve, field, frozen

from abkit.experiments.declaring.analysis_words import Method

PRESETS = (7, 14, 28, 60)
"""The lengths in days that are offered."""

CONFIDENCES = (0.8, 0.9, 0.95, 0.99)
"""The confidence levels that are offered; a URL may have others."""

_MOST_DAYS = 10_000

_FIRST, _LAST = date(1970, 1, 1), date(9998, 12, 31)
"""Between them one can go a day on, or `_MOST_DAYS` back."""

_LONGEST = 200
"""The longest property that is asked for, in characters."""


@frozen(kw_only=True)
class Controls:
    """How a result is looked at; what is None or empty is as planned.

    Attributes:
        control: The variant that is compared with.
        variant: The only variant that is shown beside it.
        method: The test.
        confidence: Of the test, above 0 and below 1.
        days: Only units exposed in the last so many days of the data.
        since: Only units exposed from this day on, UTC; not together with `days`.
        until: Only what happened up to the end of this day, UTC.
        by: The property of the exposures whose values are segments.
        segment: The only segment that is shown, as its value; empty for units without one.
        metrics: The names of the only metrics that are shown.
        problems: What of the query string was not understood, in sentences; it is left out.
    """

    control: str | None = None
    variant: str | None = None
    method: Method | None = None
    confidence: float | None = None
    days: int | None = None
    since: date | None = None
    until: date | None = None
    by: str | None = None
    segment: str | None = None
    metrics: tuple[str, ...] = ()
    problems: tuple[str, ...] = field(default=(), eq=False)

    @classmethod
    def of(cls, query: Mapping[str, Sequence[str]]) -> "Controls":
        """The controls that a query string says; what it says wrongly is a problem, not an error."""
        values, problems = _read(query)
        found = cls(**values)
        if found.days is not None and found.since is not None:
            problems.append(
                "Both a number of days and a first day were asked for: the first day counts."
            )
            found = evolve(found, days=None)
        if found.since and found.until and found.since > found.until:
            problems.append(
                f"The time frame ends ({found.until}) before it begins ({found.since}): all days are shown."
            )
            found = evolve(found, since=None, until=None)
        if found.segment is not None and found.by is None:
            problems.append("A segment needs the property that it is a value of.")
            found = evolve(found, segment=None)
        return evolve(found, problems=tuple(problems))

    def query(self, **changes: Any) -> str:
        """The query string of these controls, with changes; empty where all is as planned."""
        return urlencode([*_written(evolve(self, **changes))])

    @property
    def asks_anything(self) -> bool:
        """Whether anything is asked for otherwise than planned."""
        return self != Controls()


def _read(query: Mapping[str, Sequence[str]]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name in ("control", "variant", "by"):
        said = query[name][-1] if query.get(name) else ""  # White space is part of a name.
        if len(said) > _LONGEST:
            problems.append(f"{name} is too long: it is as planned.")
        elif said.strip():
            values[name] = said
    if "segment" in query and "by" in values:
        values["segment"] = query["segment"][-1] if query["segment"] else ""
    values["metrics"] = tuple(dict.fromkeys(name for name in query.get("metric", ()) if name))
    for name, read, right in (
        ("method", Method, f"one of {', '.join(Method)}"),
        ("confidence", _confidence, "a share such as 0.95, above 0 and below 1"),
        ("days", _days, "a whole number from 1"),
        ("since", _day, "a day such as 2026-11-01"),
        ("until", _day, "a day such as 2026-11-30"),
    ):
        said = _last(query, name)
        if not said:
            continue
        try:
            values[name] = read(said)
        except ValueError:
            problems.append(f"{name} must be {right}, not {said[:60]!r}: it is as planned.")
    return values, problems


def _last(query: Mapping[str, Sequence[str]], name: str) -> str:
    said = query.get(name, ())
    return said[-1].strip() if said else ""


def _confidence(said: str) -> float:
    found = float(said)
    if not 0 < found < 1:
        raise ValueError(said)
    return found


def _day(said: str) -> date:
    found = date.fromisoformat(said)
    if not _FIRST <= found <= _LAST:
        raise ValueError(said)
    return found


def _days(said: str) -> int:
    found = int(said)
    if not 1 <= found <= _MOST_DAYS:
        raise ValueError(said)
    return found


def _written(controls: Controls) -> Iterator[tuple[str, str]]:
    for name in ("control", "variant", "by", "segment"):
        value = getattr(controls, name)
        if value is not None:
            yield name, value
    if controls.method is not None:
        yield "method", controls.method.value
    if controls.confidence is not None:
        yield "confidence", f"{controls.confidence!r}"
    if controls.days is not None:
        yield "days", str(controls.days)
    for name in ("since", "until"):
        day = getattr(controls, name)
        if day is not None:
            yield name, day.isoformat()
    for metric in controls.metrics:
        yield "metric", metric


def first_day(controls: Controls, *, latest: date) -> date | None:
    """The first day whose exposures count; None: all do.

    Args:
        controls: What was asked.
        latest: The day of the last exposure.
    """
    if controls.days is None:
        return controls.since
    return (controls.until or latest) - timedelta(days=controls.days - 1)
