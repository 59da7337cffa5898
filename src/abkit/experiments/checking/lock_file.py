"""The lock as a file: what was written down of each experiment, with its histories."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from abkit.errors import ConfigError
from abkit.experiments.checking import phases
from abkit.experiments.checking.locked import locked
from abkit.experiments.checking.registration import amendments, judged, registered
from abkit.experiments.declaring.experiment import Experiment
from abkit.remote_file import RemoteFile, write_text

LOCK_FILE = "experiments.lock.json"
VERSION = 1
HISTORIES = ("phases", "judged")
"""What the lock holds of an experiment beside what decides now."""

REWRITE = "restore it, or delete it and write it anew: abkit check --update"
"""What to do with a lock that cannot be read."""


def write_lock(
    path: Path | str,
    experiments: Iterable[type[Experiment]],
    before: Mapping[str, dict[str, Any]] = MappingProxyType({}),
    *,
    at: datetime | None = None,
) -> None:
    """Write down what decides now, and the phases and how it is judged, with the time of each change.

    Args:
        path: Where to; it may be a URL.
        experiments: The experiments.
        before: What was written down so far.
        at: The time, UTC; None: now.

    Raises:
        OSError: It cannot be written.
    """
    when = at or datetime.now(UTC)

    def entry(experiment: type[Experiment]) -> dict[str, Any]:
        old, now = before.get(experiment.name), locked(experiment)
        plans = () if old is None else old.get("judged", ())
        return {
            **now,
            "phases": phases.recorded(old, now, at=when),
            "judged": registered(plans, judged(experiment.declaration), at=when),
        }

    content = {
        "version": VERSION,
        "experiments": {experiment.name: entry(experiment) for experiment in experiments},
    }
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_lock(path: Path | str) -> Mapping[str, dict[str, Any]]:
    """What was written down, by experiment name.

    Args:
        path: The file, or its URL.

    Raises:
        ConfigError: The file does not exist, or is no lock of this version, or a history in it has another
            form.
    """
    try:
        content = json.loads(_content(path))
        found: Mapping[str, dict[str, Any]] = content["experiments"]
        version = content["version"]
    except FileNotFoundError:
        message = f"There is no {path} yet; write it with: abkit check --update"
        raise ConfigError(message) from None
    except (ValueError, KeyError, TypeError) as error:
        message = f"{path} is no lock of experiments ({error}); {REWRITE}"
        raise ConfigError(message) from None
    if version != VERSION:
        message = f"{path} has version {version}, not {VERSION}; {REWRITE}"
        raise ConfigError(message)
    if not isinstance(found, Mapping) or not all(map(_is_entry, found.values())):
        message = f"{path} is no lock of experiments; {REWRITE}"
        raise ConfigError(message)
    for name, entry in found.items():
        try:
            _check_begun(entry)
            phases.locked_phases(entry.get("phases", ()))
            amendments(entry.get("judged", ()))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            message = f"{path} cannot be read: the history of {name} ({error}); {REWRITE}"
            raise ConfigError(message) from None
    return found


def lock_exists(path: Path | str) -> bool:
    """Whether there is such a file.

    Raises:
        ConfigError: A URL cannot be read.
    """
    if isinstance(path, Path):
        return path.exists()
    try:
        return RemoteFile(path).version() is not None
    except OSError as error:
        raise ConfigError(str(error)) from error


def _content(path: Path | str) -> str:
    """What is in the file.

    Raises:
        FileNotFoundError: There is none.
        ConfigError: A URL cannot be read.
    """
    if isinstance(path, Path):
        return path.read_text(encoding="utf-8")
    try:
        found = RemoteFile(path).read()
    except OSError as error:
        raise ConfigError(str(error)) from error
    if found is None:
        raise FileNotFoundError(path)
    return found[0].decode("utf-8")


def _check_begun(entry: Mapping[str, Any]) -> None:
    """Refuse a history without a beginning: a lock from before there were any has none of that name."""
    for name in HISTORIES:
        if name in entry and not entry[name]:
            message = f"`{name}` is empty, and must begin with what was written down first"
            raise ValueError(message)


def _is_entry(entry: object) -> bool:
    """Whether it has the form of what is written for an experiment."""
    return isinstance(entry, Mapping) and all(
        isinstance(history, list) and all(isinstance(state, Mapping) for state in history)
        for history in (entry.get(name, []) for name in HISTORIES)
    )
