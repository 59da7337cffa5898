"""What the parts of an experiment's page show beside its result: its plan, its health, its history."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from abkit.analysis.declared.history import readable_history
from abkit.analysis.result import Result
from abkit.experiments.changing.settings_writer import SettingsWriter
from abkit.panel.data_health import DataHealth, age_if_late, explained
from abkit.panel.lock_history import lock_entries
from abkit.panel.overview import OverviewRow
from abkit.panel.remaining_time import remaining_time
from abkit.panel.states import ACTIVE
from abkit.panel.stored_results import stored_results
from abkit.panel.tabs import Tab
from abkit.panel.undo import undo_of

MOST_RECORDS = 200
"""So many changes of the settings are listed: the last ones."""


def plan_parts(row: OverviewRow, result: Result | None) -> Mapping[str, object]:
    """What the lock tells, and how long it still takes.

    Args:
        row: The experiment.
        result: What was found; None: nothing.
    """
    declared = row.declaration
    history, unreadable = readable_history(declared.name)
    starts, ends = _moment(declared.starts), _moment(declared.ends)
    known = row.reading.glance  # Of all days, whatever is asked.
    began = starts or (None if known is None else known.first)
    return {
        "lock": lock_entries(history, began),
        "lock_problem": "".join(unreadable),
        "left": () if result is None else tuple(remaining_time(result, row.state, ends=ends)),
    }


def health_parts(row: OverviewRow, now: datetime) -> Mapping[str, object]:
    """How complete the data are.

    Args:
        row: The experiment.
        now: The time.
    """
    known = row.reading.glance
    data = DataHealth() if known is None else known.data
    late = age_if_late(data, now) if row.state in ACTIVE else None
    return {"data": data, "late": late, "data_faults": tuple(explained(data, late))}


def history_parts(
    row: OverviewRow, writer: SettingsWriter | None, results: Path | None
) -> Mapping[str, object]:
    """The changes of the settings, and the results that were stored.

    Args:
        row: The experiment.
        writer: Changes its settings; None: nobody can.
        results: The folder of the results; None: there is none.
    """
    name = row.declaration.name
    trail = None if writer is None else writer.audit_log.read().of(name)
    return {
        "trail": trail,
        "most_records": MOST_RECORDS,
        "undo": None if trail is None or writer is None else undo_of(trail, writer),
        "stored": stored_results(results, name),
    }


def tab_parts(
    tab: Tab,
    row: OverviewRow,
    result: Result | None,
    *,
    now: datetime,
    writer: SettingsWriter | None,
    results: Path | None,
) -> Mapping[str, object]:
    """What a part of the page shows beside the result.

    Args:
        tab: The part.
        row: The experiment.
        result: What was found; None: nothing.
        now: The time.
        writer: As for `history_parts`.
        results: As for `history_parts`.
    """
    match tab.path:
        case "plan":
            return plan_parts(row, result)
        case "health":
            return health_parts(row, now)
        case "history":
            return history_parts(row, writer, results)
    return {}


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
