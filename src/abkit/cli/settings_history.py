"""Who changed which settings, when and why, as text."""

from collections.abc import Iterator

import click

from abkit.cli.settings_changes import differences
from abkit.experiments.changing.audit_log import AuditRecord, AuditTrail, ChangeOutcome
from abkit.quoting import quoted


def show_history(trail: AuditTrail) -> None:
    """Print the changes, the latest first, and which records cannot be read."""
    for problem in trail.damaged:
        said = quoted(problem)
        click.echo(f"A record of the audit log cannot be read, and is left out: {said}", err=True)
    if not trail.records:
        click.echo("No change is recorded.")
    for record in reversed(trail.records):
        for line in _lines(record):
            click.echo(line)


def _lines(record: AuditRecord) -> Iterator[str]:
    """A record in whole: a change that is cut short would not say what was changed."""
    experiment, who = quoted(record.experiment), quoted(record.who)
    yield f"{quoted(record.id)}  {record.time:%Y-%m-%d %H:%M:%S} UTC  {experiment}, by {who}"
    if record.outcome is not ChangeOutcome.WRITTEN:
        yield f"  {_NOT_WRITTEN[record.outcome]}"
    if record.undoes is not None:
        yield f"  undoes {quoted(record.undoes)}"
    for difference in differences(record.before, record.after):
        yield f"  {quoted(difference)}"
    if record.why:
        yield f"  why: {quoted(record.why)}"


_NOT_WRITTEN = {
    ChangeOutcome.BEGUN: "interrupted: look whether it is in force",
    ChangeOutcome.FAILED: "failed: nothing was changed",
}
