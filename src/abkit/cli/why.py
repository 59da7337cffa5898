"""abkit why: each step of the decision about one unit, and what was found there."""

import json

import click

from abkit.cli.config import config_option, configured_manager, settings_option
from abkit.cli.printing import console
from abkit.cli.subjects import Setting, set_option, subjects_by, told
from abkit.events import variant_text
from abkit.experiments.explanation import Explanation


@click.command()
@click.argument("name")
@click.option("--unit", required=True, metavar="ID", help="The id of the unit.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, with all numbers.")
@config_option
@settings_option
@set_option
def why(
    name: str,
    unit: str,
    *,
    as_json: bool,
    config: str | None,
    settings: str | None,
    settings_of_subjects: tuple[Setting, ...],
) -> None:
    """Show each step of the decision of the experiment NAME about one unit, and where it ended.

    Where its code looks at more than the id, say what it sees: --set org.slug=acme
    """
    manager = configured_manager(config, settings)
    subjects = subjects_by(settings_of_subjects, manager.declaration(name).unit_type)
    with told(name):
        found = manager.explain(name, **subjects(unit))
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=2, ensure_ascii=False, default=repr))
    else:
        _show(found)


def _show(found: Explanation) -> None:
    from abkit.analysis.presentation.terminal.tables import Column, show_table

    rows = [[step.name, step.found] for step in found.steps]
    # What was found is shown whole: where there is no room, the steps stand one below the other.
    show_table(
        [Column("step", left=True), Column("found", left=True)], rows, console(), ruled=False
    )
    unit, variant = found.assignment, variant_text(found.assignment.variant)
    click.echo()
    click.echo(
        f"{unit.unit_type} {unit.unit_id} gets {variant}: {unit.reason}, decided by {found.last.name}."
    )
