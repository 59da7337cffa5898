"""Who changed which settings, when and why, as a table."""

import click

from abkit.cli.printing import console
from abkit.cli.settings_changes import differences
from abkit.experiments.changing.audit_log import AuditRecord, AuditTrail, ChangeOutcome


def show_history(trail: AuditTrail) -> None:
    """Print the changes, the latest first, and which records cannot be read."""
    from abkit.analysis.presentation.terminal.tables import Column, show_table

    for problem in trail.damaged:
        click.echo(
            f"A record of the audit log cannot be read, and is left out: {problem}", err=True
        )
    if not trail.records:
        click.echo("No change is recorded.")
        return
    columns = [
        Column("time (UTC)", left=True),
        Column("id", left=True),
        Column("experiment", name=True),
        Column("who", name=True, spare=1),
        Column("change", name=True),
        Column("why", name=True, spare=2),
    ]
    show_table(columns, [_row(each) for each in reversed(trail.records)], console(), ruled=False)


def _row(record: AuditRecord) -> tuple[str, ...]:
    change = ", ".join(differences(record.before, record.after))
    if record.outcome is not ChangeOutcome.WRITTEN:
        change = f"{_NOT_WRITTEN[record.outcome]}: {change}"
    why = record.why
    if record.undoes is not None:
        why = f"undoes {record.undoes}" + (f": {why}" if why else "")
    return f"{record.time:%Y-%m-%d %H:%M:%S}", record.id, record.experiment, record.who, change, why


_NOT_WRITTEN = {ChangeOutcome.BEGUN: "interrupted", ChangeOutcome.FAILED: "failed"}
