"""Who changed which settings, when and why: records that are only ever appended."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Protocol

from attrs import frozen


class ChangeOutcome(StrEnum):
    """What became of a change."""

    BEGUN = "begun"
    WRITTEN = "written"
    FAILED = "failed"


@frozen
class AuditRecord:
    """One change of the settings of one experiment.

    Attributes:
        id: What `undo` takes.
        time: When it was made, UTC.
        experiment: The experiment's name.
        who: Who made it.
        why: The reason they gave; may be empty.
        before: The experiment's settings before.
        after: Its settings after.
        undoes: The id of the change that this one takes back, if it does.
        outcome: What became of it. One that is only begun was made by a process that died while it wrote:
            the settings are either `before` or `after`.
    """

    id: str
    time: dt.datetime
    experiment: str
    who: str
    why: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    undoes: str | None = None
    outcome: ChangeOutcome = ChangeOutcome.BEGUN


@frozen
class AuditTrail:
    """What an audit log says.

    Attributes:
        records: Each change once, with what became of it, the oldest first.
        damaged: The places of records that cannot be read, each with what is wrong.
    """

    records: tuple[AuditRecord, ...] = ()
    damaged: tuple[str, ...] = ()

    def of(self, experiment: str) -> "AuditTrail":
        """The changes of one experiment; damaged records may be anybody's."""
        records = tuple(each for each in self.records if each.experiment == experiment)
        return AuditTrail(records, self.damaged)


class AuditLog(Protocol):
    """Keeps the records. It never changes or removes one."""

    def append(self, record: AuditRecord, /) -> None:
        """Keep a record, so that it survives the death of the process when this returns.

        A change is appended twice: before it is made, and with what became of it.

        Raises:
            ConfigError: It cannot be kept. The change is then not made.
        """
        ...

    def read(self) -> AuditTrail:
        """What is kept; `trail_of` makes it of texts.

        Raises:
            ConfigError: It cannot be read at all.
        """
        ...


def to_text(record: AuditRecord) -> str:
    """A record as one line of JSON."""
    fields = {
        "id": record.id,
        "time": record.time.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "experiment": record.experiment,
        "who": record.who,
        "why": record.why,
        "before": record.before,
        "after": record.after,
        "undoes": record.undoes,
        "outcome": str(record.outcome),
    }
    return json.dumps(fields, ensure_ascii=False, default=str)


def from_text(text: str) -> AuditRecord:
    """The record that a line of JSON holds.

    Raises:
        ValueError: It holds none; the message says why.
    """
    found = json.loads(text)
    if not isinstance(found, dict):
        message = "it is no table"
        raise ValueError(message)  # noqa: TRY004 - one error, whatever is wrong with the text
    texts = {key: found.get(key) for key in ("id", "time", "experiment", "who", "why", "outcome")}
    tables = {key: found.get(key) for key in ("before", "after")}
    undoes = found.get("undoes")
    wrong = [key for key, value in texts.items() if not isinstance(value, str)]
    wrong += [key for key, value in tables.items() if not isinstance(value, dict)]
    wrong += [] if isinstance(undoes, str | None) else ["undoes"]
    if wrong:
        message = f"its {wrong[0]} is missing or something else"
        raise ValueError(message)
    time = dt.datetime.fromisoformat(str(texts.pop("time")))
    if time.tzinfo is None:
        message = "its time has no time zone"
        raise ValueError(message)
    try:
        in_utc = time.astimezone(dt.UTC)
    except OverflowError:
        message = "its time is none in UTC"
        raise ValueError(message) from None
    "".join(map(str, texts.values())).encode()  # Half of a surrogate pair is no text.
    outcome = ChangeOutcome(str(texts.pop("outcome")))
    known: Any = {**texts, **tables}
    return AuditRecord(time=in_utc, outcome=outcome, undoes=undoes, **known)


def trail_of(texts: Iterable[tuple[str, str | bytes]]) -> AuditTrail:
    """What the texts of a log say.

    Args:
        texts: Each with its place, such as "line 3", in the order in which they were appended.
    """
    records: dict[str, AuditRecord] = {}
    damaged: list[str] = []
    for place, text in texts:
        try:
            record = from_text(text if isinstance(text, str) else text.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            damaged.append(f"{place}: {error}")
        else:
            records[record.id] = record
    return AuditTrail((*records.values(),), (*damaged,))
