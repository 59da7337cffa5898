"""The lifts that a team found before, as its stored results have them: the JSON of `abkit analyze --json`."""

import json
from collections.abc import Mapping
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

from attrs import frozen

from abkit.errors import ConfigError
from abkit.pyproject import tool_table

_FORMAT = 1


@frozen(kw_only=True)
class PastLift:
    """One variant of a past experiment beside its control, in the metric that decided.

    Attributes:
        metric: The metric's name.
        lift: The lift in the wanted direction: of a metric that should decrease, a fall is above 0.
        standard_error: Of the lift, above 0.
    """

    metric: str
    lift: float
    standard_error: float


@frozen(kw_only=True)
class PastResults:
    """What is known of past experiments.

    Attributes:
        lifts: Of each experiment that has some; empty if there are no past results.
        unreadable: How many files could not be read, or are no results.
    """

    lifts: tuple[tuple[PastLift, ...], ...] = ()
    unreadable: int = 0


def past_results(name: str) -> PastResults:
    """The past results of the project: those in the folder `results` of [tool.abkit] in pyproject.toml.

    Args:
        name: The experiment that is analyzed now; older results of its own do not count.

    Returns:
        Nothing where no folder is named, or there is none of that name yet.

    Raises:
        ConfigError: `results` is no text, or pyproject.toml cannot be read.
    """
    folder = results_folder()
    return PastResults() if folder is None else read_past_results(folder, without=name)


def results_folder() -> Path | None:
    """Where the project keeps its results: the folder `results` of [tool.abkit] in pyproject.toml.

    None if it names no folder.

    Raises:
        ConfigError: As `past_results`.
    """
    table = tool_table()
    folder = table.values.get("results")
    if folder is None or table.path is None:
        return None
    if not isinstance(folder, str) or not folder:
        message = f"{table.path}: results under [tool.abkit] must be a folder, not {folder!r}"
        raise ConfigError(message)
    return table.path.parent / folder


def read_past_results(folder: Path, *, without: str) -> PastResults:
    """The past results in a folder and the folders in it: the newest of each experiment and salt.

    An experiment whose sample ratio was wrong, or in which nothing could be compared, tells no lift.

    Args:
        folder: Where the files are, as *.json; nothing if there is no such folder.
        without: The name of an experiment that does not count.
    """
    newest: dict[tuple[str, str], tuple[str, tuple[PastLift, ...]]] = {}
    unreadable = 0
    for path in sorted(folder.rglob("*.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            name, salt, made = _identity(document)
            lifts = _lifts(document)
        except (OSError, ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
            unreadable += 1
            continue
        known = newest.get((name, salt))
        if name != without and (known is None or known[0] <= made):
            newest[name, salt] = made, lifts
    found = tuple(lifts for _, lifts in newest.values() if lifts)
    return PastResults(lifts=found, unreadable=unreadable)


def _identity(document: Mapping[str, Any]) -> tuple[str, str, str]:
    """The experiment, its salt, and when the result was made.

    Raises:
        ValueError, KeyError, TypeError: It is no result of abkit.
    """
    if document["format"] != _FORMAT:
        message = f"the format is {document['format']!r}, not {_FORMAT}"
        raise ValueError(message)
    return str(document["experiment"]), str(document["salt"]), str(document["made"])


def _lifts(document: Mapping[str, Any]) -> tuple[PastLift, ...]:
    """Those of the metric that decided: the first primary one, or the first if all have other roles.

    Raises:
        ValueError, KeyError, TypeError, ArithmeticError: It is no result of abkit.
    """
    found = document["metrics"]
    primary = [each for each in found if each["role"] == "primary"]
    main = (primary or found)[:1]
    if not main or document["sample_ratio"]["alarm"]:
        return ()
    sign = -1 if main[0]["direction"] == "decrease" else 1
    lifts = (_lift(each, main[0], sign) for each in main[0]["treatments"])
    return tuple(each for each in lifts if each is not None)


def _lift(treatment: Mapping[str, Any], metric: Mapping[str, Any], sign: int) -> PastLift | None:
    """That of a variant; None where there is none."""
    comparison, control = treatment["comparison"], metric["control"]
    if comparison is None or comparison["lift"] is None or not control["mean"]:
        return None
    lift = float(comparison["lift"])
    own, shared = treatment["variance"] / treatment["units"], control["variance"] / control["units"]
    error = sqrt(own + (1 + lift) ** 2 * shared) / abs(control["mean"])
    if not (isfinite(lift) and isfinite(error) and error > 0):
        return None
    return PastLift(metric=str(metric["metric"]), lift=sign * lift, standard_error=error)
