"""abkit assign: what a unit gets, and why."""

import click

from abkit.cli.config import (
    config_option,
    configured_manager,
    settings_option,
    sticky_option,
)
from abkit.cli.printing import console
from abkit.cli.subjects import Setting, set_option, subjects_by, told, unit_of
from abkit.events import variant_text


@click.command()
@click.argument("name")
@click.argument("units", nargs=-1, required=True, metavar="UNIT...")
@config_option
@settings_option
@sticky_option
@set_option
def assign(
    name: str,
    units: tuple[str, ...],
    *,
    config: str | None,
    settings: str | None,
    sticky_store: str | None,
    settings_of_subjects: tuple[Setting, ...],
) -> None:
    """Show the variant of each UNIT (an id) in the experiment NAME, and the reason.

    If its code reads more than the id, pass the values: --set org.slug=acme
    """
    from abkit.analysis.presentation.terminal.tables import Column, show_table

    manager = configured_manager(config, settings, sticky_store)
    unit_type = manager.declaration(name).unit_type
    columns = [
        Column(unit_type, name=True),
        Column("variant", name=True),
        Column("reason", left=True),
    ]
    rows = []
    subjects = subjects_by(settings_of_subjects, unit_type)
    for unit in units:
        with told(name):
            assignment = manager.assign(name, **subjects(unit_of(unit)))
        rows.append([unit, variant_text(assignment.variant), str(assignment.reason)])
    show_table(columns, rows, console(), ruled=False)
