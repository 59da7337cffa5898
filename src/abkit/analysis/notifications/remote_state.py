"""The alert states as a file that a URL names."""

import json
from collections.abc import Mapping
from typing import Any

from abkit.analysis.notifications.alert_state import AlertState, ExperimentRun
from abkit.analysis.notifications.records import to_records
from abkit.analysis.notifications.stores import Step, name_of_run, parsed_states, state_of_run
from abkit.errors import ConfigError
from abkit.remote_file import RemoteFile, ReplacedError, Version

_ATTEMPTS = 10


class RemoteStore:
    """One JSON file for all runs in any file system of fsspec, replaced in one step.

    Such a file cannot be locked. Two processes that send the alerts of one experiment at the same moment may
    both send them; the second one is told so. The states of other experiments are kept whoever writes.

    Args:
        url: Such as "s3://bucket/alerts.json". The file is made if it does not exist.

    Raises:
        ConfigError: There is no file system for it.
        MissingExtraError: fsspec is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            self._file = RemoteFile(url)
        except OSError as error:
            raise ConfigError(str(error)) from error

    def read(self, run: ExperimentRun, /) -> AlertState:
        """The state of a run; empty if there is none yet.

        Raises:
            ConfigError: The file is something else, or cannot be read.
        """
        return self._state(self._read()[0], run)

    def update(self, run: ExperimentRun, step: Step, /) -> None:
        """Replace a run's state, if nobody else has done that meanwhile.

        Raises:
            ConfigError: Somebody has; or the file is something else, or cannot be read or written.
        """
        content, version = self._read()
        before = self._state(content, run)
        after = step(before)
        if after == before:
            return
        for _ in range(_ATTEMPTS):
            try:
                self._write({**content, name_of_run(run): to_records(after)}, over=version)
            except ReplacedError:
                content, version = self._read()
                if self._state(content, run) != before:
                    break
            except OSError as error:
                raise ConfigError(str(error)) from error
            else:
                return
        message = (
            f"{self._file.label} was changed by another process while this one sent its alerts, so that "
            "some may have been sent twice: let one process at a time do it"
        )
        raise ConfigError(message)

    def _read(self) -> tuple[Mapping[str, Any], Version | None]:
        try:
            found = self._file.read()
        except OSError as error:
            raise ConfigError(str(error)) from error
        if found is None:
            return {}, None
        content, version = found
        return parsed_states(content, where=self._file.label), version

    def _state(self, content: Mapping[str, Any], run: ExperimentRun) -> AlertState:
        return state_of_run(content, run, where=self._file.label)

    def _write(self, content: Mapping[str, object], *, over: Version | None) -> None:
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        self._file.write(text.encode(), over=over)

    def __repr__(self) -> str:
        return f"<RemoteStore {self._file.label!r}>"
