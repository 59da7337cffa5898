"""abkit why: each step of the decision about one unit, and what was found there."""

import json
from textwrap import wrap

import click

from abkit.analysis.presentation.figures import legible
from abkit.cli.config import (
    config_option,
    configured_manager,
    settings_option,
    sticky_option,
)
from abkit.cli.printing import console
from abkit.cli.subjects import Setting, set_option, subjects_by, told
from abkit.events import variant_text
from abkit.experiments.deciding.explanation import Explanation


@click.command()
@click.argument("name")
@click.option("--unit", required=True, metavar="ID", help="Id of the unit.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the explanation as JSON, with all numbers."
)
@config_option
@settings_option
@sticky_option
@set_option
def why(
    name: str,
    unit: str,
    *,
    as_json: bool,
    config: str | None,
    settings: str | None,
    sticky_store: str | None,
    settings_of_subjects: tuple[Setting, ...],
) -> None:
    """Show each step of one unit's assignment in the experiment NAME.

    If its code reads more than the id, pass the values: --set org.slug=acme
    """
    manager = configured_manager(config, settings, sticky_store)
    subjects = subjects_by(settings_of_subjects, manager.declaration(name).unit_type)
    with told(name):
        found = manager.explain(name, **subjects(unit))
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=2, ensure_ascii=False, default=repr))
    else:
        _show(found)


def _show(found: Explanation) -> None:
    indent = max(len(legible(step.name)) for step in found.steps) + 3
    width = max(console().width - indent, 20)
    for step in found.steps:
        # Foreign texts are in it: line breaks and such are shown, not obeyed.
        first, *others = wrap(legible(step.found), width) or [""]
        click.echo(f"{legible(step.name).ljust(indent)}{first}")
        for line in others:
            click.echo(f"{' ' * indent}{line}")
    unit, variant = found.assignment, variant_text(found.assignment.variant)
    name = legible(f"{unit.unit_type} {unit.unit_id}")
    click.echo()
    click.echo(
        f"{name} gets {legible(variant)}: {unit.reason}, decided by {legible(found.last.name)}."
    )
