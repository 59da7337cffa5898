"""Changing a settings file: under a lock, checked as the runtime will read it, in one step, and recorded."""

import datetime as dt
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve

from abkit.errors import ConfigError, SettingsChangedError
from abkit.experiments.changing.audit_log import AuditLog, AuditRecord, AuditTrail, ChangeOutcome
from abkit.experiments.changing.file_audit_log import FileAuditLog
from abkit.experiments.changing.file_replacement import content_of, locked, prepared, real_path
from abkit.experiments.changing.settings_change import (
    SettingsChange,
    canonical,
    check_experiment,
    inverse,
    is_same,
)
from abkit.experiments.changing.settings_text import json_with, toml_with
from abkit.experiments.deciding.settings import (
    Settings,
    SettingsFile,
    apply,
    checked,
    parse_content,
)
from abkit.experiments.declaring.declaration import Declaration
from abkit.file_systems import is_url
from abkit.quoting import masked, quoted

logger: logging.Logger = logging.getLogger("abkit")


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class SettingsWriter:
    """Changes a settings file that others read, and maybe change, at the same time.

    Args:
        path: The file; its name ends with .toml or .json. It is made if it does not exist.
        audit_log: Where the changes are recorded; None: in a file beside it, `experiments.audit.jsonl` for
            `experiments.toml`.
        now: The time, UTC.

    Raises:
        ConfigError: The name ends otherwise, or it is a URL.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        audit_log: AuditLog | None = None,
        now: Callable[[], dt.datetime] = _utc_now,
    ) -> None:
        if is_url(path):
            message = (
                f"{masked(str(path))} cannot be changed by abkit, which locks a file of this machine and "
                "records who changed it: change a file, and copy it there; applications read it at the URL"
            )
            raise ConfigError(message)
        SettingsFile(path)
        self.path: Path = Path(path)
        self._audit_log = audit_log
        self._now = now

    @property
    def audit_log(self) -> AuditLog:
        """Where the changes are recorded."""
        return self._audit_log or FileAuditLog.beside(real_path(self.path))

    def settings_of(self, experiment: str) -> Mapping[str, Any]:
        """The present settings of an experiment; empty if it has none.

        Raises:
            ConfigError: The file cannot be read.
        """
        settings = SettingsFile(self.path).read() or {}
        return settings.get(experiment, {})

    def write(self, change: SettingsChange, declaration: Declaration) -> AuditRecord | None:
        """Make a change.

        Args:
            change: The change.
            declaration: The experiment, which says whether it can have these settings.

        Returns:
            What the audit log has of it; None if the settings say so already.

        Raises:
            SettingsChangedError: The settings are not what the change was decided upon.
            DeclarationError: The experiment cannot have them.
            ConfigError: The file or the audit log cannot be read or written; the file stays as it is.
        """
        check_experiment(change, declaration)
        path = real_path(self.path)  # Each time: a deployment may lead the link elsewhere.
        with locked(path):
            content = content_of(path)
            settings = parse_content(content or b"", path)
            before = settings.get(change.experiment, {})
            if change.seen is not None and not is_same(before, change.seen):
                raise SettingsChangedError(change.experiment, change.seen, before)
            after = change.applied_to(before)
            if is_same(before, after):
                return None
            apply(declaration, checked({change.experiment: after}, "the change")[change.experiment])
            record = self._record(change, before, after)
            text = self._text((content or b"").decode(), change.experiment, after)
            with prepared(path, content, text.encode()) as replacement:
                self._check(replacement.unfinished, {**settings, change.experiment: after})
                self.audit_log.append(record)
                try:
                    replacement.put_in_place()
                except ConfigError:
                    self._complete(record, ChangeOutcome.FAILED)
                    raise
                return self._complete(record, ChangeOutcome.WRITTEN)

    def undoing(self, change_id: str, *, who: str, why: str = "") -> SettingsChange:
        """The change that takes another one back, for `write`.

        Args:
            change_id: The id of the other one.
            who: Who takes it back.
            why: The reason.

        Raises:
            SettingsChangedError: Its settings have been changed since.
            ConfigError: There is no such change, it was not made, or the log cannot be read.
        """
        trail = self.audit_log.read()
        record = next((each for each in trail.records if each.id == change_id), None)
        if record is None:
            damaged = (
                f" {len(trail.damaged)} of its records cannot be read." if trail.damaged else ""
            )
            message = f"The audit log has no change {quoted(change_id)!r}.{damaged}"
            raise ConfigError(message)
        if record.outcome is ChangeOutcome.FAILED:
            message = f"The change {change_id} was not made, so there is nothing to undo"
            raise ConfigError(message)
        present = self.settings_of(record.experiment)
        if not is_same(present, record.after):
            since = _last_change(trail.of(record.experiment), record)
            raise SettingsChangedError(record.experiment, record.after, present, since=since)
        return SettingsChange(
            record.experiment,
            inverse(record.before, record.after),
            who=who,
            why=why,
            seen=record.after,
            undoes=change_id,
        )

    def _record(
        self, change: SettingsChange, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> AuditRecord:
        return AuditRecord(
            id=secrets.token_hex(6),
            time=self._now(),
            experiment=change.experiment,
            who=change.who,
            why=change.why,
            before=before,
            after=after,
            undoes=change.undoes,
        )

    def _text(self, text: str, name: str, keys: Mapping[str, Any]) -> str:
        changed = json_with if self.path.suffix == ".json" else toml_with
        return changed(text, name, keys)

    def _check(self, unfinished: Path, wanted: Settings) -> None:
        """Read the new file as the runtime will; it must say what is wanted, of all experiments.

        Raises:
            ConfigError: It says something else.
        """
        found = SettingsFile(unfinished).read() or {}
        if canonical(_not_empty(found)) != canonical(_not_empty(wanted)):
            message = (
                f"{self.path} is written in a way that abkit cannot change without changing more: "
                "write each experiment as one table, and try again"
            )
            raise ConfigError(message)

    def _complete(self, record: AuditRecord, outcome: ChangeOutcome) -> AuditRecord:
        complete = evolve(record, outcome=outcome)
        try:
            self.audit_log.append(complete)
        except ConfigError as error:  # What is done is done, and the log has that it was begun.
            logger.warning("settings: the change %s is %s, but: %s", record.id, outcome, error)
        return complete

    def __repr__(self) -> str:
        return f"<SettingsWriter {str(self.path)!r}>"


def _not_empty(settings: Settings) -> Settings:
    return {name: keys for name, keys in settings.items() if keys}


def _last_change(trail: AuditTrail, record: AuditRecord) -> str:
    """Who changed the settings after a record, as a sentence; nothing if nobody has said so."""
    made = [each for each in trail.records if each.outcome is not ChangeOutcome.FAILED]
    last = made[-1]
    if last.id == record.id:
        return ""
    return f"The last change is {last.id}, by {quoted(last.who)} at {last.time:%Y-%m-%d %H:%M} UTC."
