"""abkit simulate: the split that a declaration gives."""

from collections import Counter

import click

from abkit.assignment.assignment import Reason
from abkit.cli.config import config_option, configured_manager, settings_option
from abkit.cli.printing import console
from abkit.cli.subjects import Setting, set_option, subjects_by, told
from abkit.events import variant_text

BAR = 40
"""The width of a full bar, in characters."""


@click.command()
@click.argument("name")
@click.option("--units", default=100_000, show_default=True, type=click.IntRange(1, 10_000_000))
@config_option
@settings_option
@set_option
def simulate(
    name: str,
    units: int,
    *,
    config: str | None,
    settings: str | None,
    settings_of_subjects: tuple[Setting, ...],
) -> None:
    """Assign the units 0, 1, ... in the experiment NAME, and show the split.

    If its code reads more than the id, pass the values: --set org.slug=acme
    """
    from rich.console import Console
    from rich.progress import track

    from abkit.analysis.presentation.terminal.tables import Column, show_table

    manager = configured_manager(config, settings)
    unit_type = manager.declaration(name).unit_type
    counts: Counter[str] = Counter()
    subjects = subjects_by(settings_of_subjects, unit_type)
    progress = Console(stderr=True)
    with told(name):
        for unit in track(
            range(units),
            description="Assigning",
            transient=True,
            console=progress,
            disable=not progress.is_terminal,
        ):
            assignment = manager.assign(name, **subjects(unit))
            enrolled = assignment.reason is Reason.ASSIGNED
            counts[variant_text(assignment.variant) if enrolled else f"({assignment.reason})"] += 1
    order = [variant_text(variant) for variant in manager.declaration(name).variants]
    columns = [
        Column("variant", name=True),
        Column("units"),
        Column("share"),
        Column("", left=True, spare=1),
    ]
    rows = []
    for label in sorted(
        counts, key=lambda label: (order.index(label) if label in order else 99, label)
    ):
        share = counts[label] / units
        rows.append([label, f"{counts[label]:,}", f"{share:.2%}", "█" * round(BAR * share)])
    show_table(columns, rows, console(), ruled=False)
