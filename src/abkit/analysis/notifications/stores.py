"""Where the alert states are kept between two evaluations."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from abkit.analysis.notifications.alert_state import AlertState, ExperimentRun
from abkit.analysis.notifications.records import from_records, not_a_state, to_records
from abkit.errors import ConfigError

if sys.platform != "win32":
    import fcntl

Step: TypeAlias = Callable[[AlertState], AlertState]
"""Makes the next state from the one before. It sends the notifications, so it may take long."""


class StateStore(Protocol):
    """Keeps the state of each run."""

    def read(self, run: ExperimentRun, /) -> AlertState:
        """The state of a run; empty if there is none yet."""
        ...

    def update(self, run: ExperimentRun, step: Step, /) -> None:
        """Replace a run's state by what `step` makes of it, under a lock against other processes.

        If `step` raises, the state stays as it was.
        """
        ...


class FileStore:
    """One JSON file for all runs, replaced in one step; beside it, a `.lock` file.

    The lock is flock(2), so the file must be on a Unix system and not on a network drive without it.

    Args:
        path: The file. It is made if it does not exist; its folder must exist.

    Raises:
        ConfigError: This system has no flock(2).
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if sys.platform == "win32":
            message = "A state in a file needs flock(2), a Unix system: use an SqlStore"
            raise ConfigError(message)
        self._path = Path(path)

    def read(self, run: ExperimentRun, /) -> AlertState:
        """The state of a run; empty if there is none yet.

        Raises:
            ConfigError: The file is something else.
        """
        return self._state(self._content(), run)

    def update(self, run: ExperimentRun, step: Step, /) -> None:
        """Replace a run's state, under the lock of the file.

        Raises:
            ConfigError: The file is something else.
        """
        with self._locked():
            content = self._content()
            before = self._state(content, run)
            after = step(before)
            if after != before:
                self._write({**content, name_of_run(run): to_records(after)})

    def _content(self) -> Mapping[str, Any]:
        """The records of each run, by its name."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        return parsed_states(content, where=str(self._path))

    def _state(self, content: Mapping[str, Any], run: ExperimentRun) -> AlertState:
        return state_of_run(content, run, where=str(self._path))

    def _write(self, content: Mapping[str, object]) -> None:
        unfinished = self._path.with_name(f".{self._path.name}.new")
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # a power cut must not leave an empty file behind
        unfinished.replace(self._path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._path.with_name(f"{self._path.name}.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # closing the file unlocks it, as does dying
            yield

    def __repr__(self) -> str:
        return f"<FileStore {str(self._path)!r}>"


def parsed_states(content: bytes, *, where: str) -> Mapping[str, Any]:
    """The records of each run, by its name, in the content of a file.

    Raises:
        ConfigError: It is something else.
    """
    try:
        found = json.loads(content.decode("utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ConfigError(not_a_state(where))
    return found


def state_of_run(content: Mapping[str, Any], run: ExperimentRun, *, where: str) -> AlertState:
    """The state of a run, by the records of all; empty if there is none yet.

    Raises:
        ConfigError: They are something else.
    """
    return from_records(content.get(name_of_run(run), []), where=where)


def name_of_run(run: ExperimentRun) -> str:
    """What a run is called in a file."""
    return json.dumps([run.experiment, run.salt], ensure_ascii=False)
