"""What the lock beside the project tells of an experiment: its amendments and its phases."""

from datetime import datetime
from pathlib import Path

from attrs import frozen

from abkit.errors import ConfigError
from abkit.experiments.checking.lock_file import LOCK_FILE, read_lock
from abkit.experiments.checking.phases import LockedPhase, locked_phases
from abkit.experiments.checking.registration import Amendment, amendments
from abkit.experiments.checking.written_times import time_of
from abkit.pyproject import tool_table


@frozen
class History:
    """What was written down of an experiment.

    Attributes:
        amendments: The changes of how it is judged, the oldest first.
        phases: What decided who entered and what they got, the oldest first.
        registered: When it was first written down how it is judged, UTC; None if it was not.
    """

    amendments: tuple[Amendment, ...] = ()
    phases: tuple[LockedPhase, ...] = ()
    registered: datetime | None = None


def readable_history(name: str) -> tuple[History, tuple[str, ...]]:
    """As `history_of`; a lock that cannot be read is a note, and nothing is known."""
    try:
        return history_of(name), ()
    except ConfigError as error:
        said = (
            f"Whether the plan or the weights were changed after the start is not known: {error}."
        )
        return History(), (said,)


def lock_path() -> Path:
    """Where the lock is, if there is one: beside the nearest pyproject.toml, or in the current folder.

    Raises:
        ConfigError: pyproject.toml cannot be read.
    """
    project = tool_table().path
    return (Path.cwd() if project is None else project.parent) / LOCK_FILE


def history_of(name: str) -> History:
    """What the lock tells of an experiment; nothing where there is no lock.

    Args:
        name: The experiment's name.

    Raises:
        ConfigError: The lock cannot be read.
    """
    path = lock_path()
    if not path.is_file():
        return History()
    entry = read_lock(path).get(name, {})
    plans = entry.get("judged", ())
    return History(
        amendments=amendments(plans),
        phases=locked_phases(entry.get("phases", ())),
        registered=time_of(plans[0]) if plans else None,
    )
