"""abkit assign: what a unit gets, and why."""

import click

from abkit.cli.config import config_option, configured_manager, settings_option
from abkit.events import variant_text


@click.command()
@click.argument("name")
@click.argument("units", nargs=-1, required=True, metavar="UNIT...")
@config_option
@settings_option
def assign(name: str, units: tuple[str, ...], config: str | None, settings: str | None) -> None:
    """Show the variant that each UNIT (an id) gets from the experiment NAME, and why."""
    from rich.console import Console
    from rich.table import Table

    manager = configured_manager(config, settings)
    unit_type = manager.declaration(name).unit_type
    table = Table(unit_type, "variant", "reason", box=None, pad_edge=False)
    for unit in units:
        assignment = manager.assign(name, **{unit_type: unit})
        table.add_row(unit, variant_text(assignment.variant), assignment.reason)
    Console().print(table)
