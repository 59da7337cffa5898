"""Which change of the settings can be taken back, and why one cannot."""

from attrs import frozen

from abkit.errors import AbkitError
from abkit.experiments.changing.audit_log import AuditTrail, ChangeOutcome
from abkit.experiments.changing.settings_writer import SettingsWriter


@frozen(kw_only=True)
class Undo:
    """The change that can be taken back: the last one that was made.

    Attributes:
        change: Its id; empty if there is none.
        problem: Why it cannot be taken back; empty if it can.
    """

    change: str = ""
    problem: str = ""


def undo_of(trail: AuditTrail, writer: SettingsWriter) -> Undo:
    """What can be taken back of an experiment's changes.

    Args:
        trail: Its changes. Those that failed changed nothing, so they are passed over.
        writer: Says whether the settings are still as the change left them.
    """
    made = [each for each in trail.records if each.outcome is not ChangeOutcome.FAILED]
    if not made:
        return Undo()
    try:
        writer.undoing(made[-1].id, who="")
    except AbkitError as error:
        return Undo(change=made[-1].id, problem=str(error))
    return Undo(change=made[-1].id)
