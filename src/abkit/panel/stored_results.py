"""The results of an experiment that were stored before: the JSON of `abkit analyze --json`."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Any

from attrs import frozen

from abkit.analysis.inference.comparison import Interval
from abkit.analysis.presentation import figures
from abkit.errors import ConfigError

_FORMAT = 1
_MOST = 2_000
"""So many files are read again only when they are changed."""


@frozen(kw_only=True)
class StoredResult:
    """A result that was stored.

    Attributes:
        experiment: Its name.
        made: When it was computed, UTC.
        file: Where it is, below the folder.
        units: How many units it had.
        metric: The metric that decided; empty if it had none.
        variant: The variant that is told: the one that was recommended, else the one with the smallest
            p-value; empty if nothing was compared.
        lift: Its lift; empty likewise.
        interval: Of the lift.
        confidence: Of the interval.
        recommendation: What was recommended.
        otherwise: What was not as planned.
    """

    experiment: str
    made: datetime
    file: str
    units: int
    metric: str = ""
    variant: str = ""
    lift: str = ""
    interval: str = ""
    confidence: str = ""
    recommendation: str = ""
    otherwise: tuple[str, ...] = ()


@frozen(kw_only=True)
class StoredResults:
    """What is stored of an experiment.

    Attributes:
        folder: Where results are; None: nobody said where.
        found: The results, the newest first.
        unreadable: The files that are no results, of this experiment or of others.
        problem: Why there is nothing, where something is wrong; else empty.
    """

    folder: Path | None = None
    found: tuple[StoredResult, ...] = ()
    unreadable: tuple[str, ...] = ()
    problem: str = ""


def stored_results(folder: Path | None, experiment: str) -> StoredResults:
    """The stored results of an experiment, in a folder and those in it.

    Args:
        folder: Where the files are, as *.json; None: nobody said where.
        experiment: Its name.
    """
    if folder is None:
        return StoredResults()
    if not folder.is_dir():
        return StoredResults(folder=folder, problem=f"There is no folder {folder} yet.")
    found: list[StoredResult] = []
    unreadable: list[str] = []
    for path in sorted(folder.rglob("*.json")):
        try:
            status = path.stat()
            result = _read(path, path.relative_to(folder), status.st_mtime_ns, status.st_size)
        except OSError:
            result = None
        if result is None:
            unreadable.append(str(path.relative_to(folder)))
        elif result.experiment == experiment:
            found.append(result)
    newest_first = sorted(found, key=lambda each: each.made, reverse=True)
    return StoredResults(folder=folder, found=tuple(newest_first), unreadable=tuple(unreadable))


@lru_cache(maxsize=_MOST)
def _read(path: Path, file: Path, _changed: int, _size: int) -> StoredResult | None:
    """The result in a file; None if it is none."""
    try:
        return stored_result(json.loads(path.read_text(encoding="utf-8")), file=str(file))
    except (ConfigError, ValueError, RecursionError):
        return None


def stored_result(document: Mapping[str, Any], *, file: str) -> StoredResult:
    """What a stored result says, in a few words.

    Args:
        document: What `Result.to_dict` gave.
        file: Where it is.

    Raises:
        ConfigError: It is no result of this form.
    """
    try:
        return _told(document, file)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        message = f"{file} is no result of `abkit analyze --json`: {type(error).__name__} {error}"
        raise ConfigError(message) from None


def _told(document: Mapping[str, Any], file: str) -> StoredResult:
    if document["format"] != _FORMAT:
        message = f"the format is {document['format']!r}, not {_FORMAT}"
        raise ValueError(message)
    made = datetime.fromisoformat(document["made"])
    advice, metrics = document["recommendation"], document["metrics"]
    primary = [each for each in metrics if each["role"] == "primary"] or metrics
    told: dict[str, str] = {}
    if primary:
        told = {"metric": str(primary[0]["metric"]), **_outlook(primary[0], advice["variant"])}
    target = "" if advice["variant"] is None else f" {advice['variant']}"
    return StoredResult(
        experiment=str(document["experiment"]),
        made=made.replace(tzinfo=UTC) if made.tzinfo is None else made.astimezone(UTC),
        file=file,
        units=int(document["units"]),
        confidence=f"{float(document['confidence']) * 100:.4g}%",
        recommendation=f"{advice['action']}{target}",
        otherwise=tuple(map(str, document["not_as_planned"])),
        **told,
    )


def _outlook(metric: Mapping[str, Any], recommended: str | None) -> dict[str, str]:
    compared = [each for each in metric["treatments"] if each["comparison"] is not None]
    if not compared:
        return {}
    compared.sort(key=lambda each: (each["variant"] != recommended, each["comparison"]["p_value"]))
    comparison = compared[0]["comparison"]
    if comparison["lift"] is None or comparison["lift_interval"] is None:
        interval = _interval(comparison["interval"])
        lift = f"{figures.signed(comparison['difference'])} abs."
        told = f"{figures.number(interval.low)} to {figures.number(interval.high)} abs."
    else:
        lift = figures.change(comparison["lift"])
        told = figures.relative_interval(_interval(comparison["lift_interval"]))
    return {"variant": str(compared[0]["variant"]), "lift": lift, "interval": told}


def _interval(found: Mapping[str, float | None]) -> Interval:
    low, high = found["low"], found["high"]
    return Interval(-inf if low is None else low, inf if high is None else high)
