"""abkit list: what is declared."""

import click

from abkit.cli.config import config_option, configured_manager, settings_option
from abkit.cli.printing import console
from abkit.events import variant_text
from abkit.experiments.declaring.declaration import Declaration


@click.command("list")
@config_option
@settings_option
def list_experiments(config: str | None, settings: str | None) -> None:
    """List the active experiments with their current settings."""
    from abkit.analysis.presentation.terminal.tables import Column, show_table

    manager = configured_manager(config, settings)
    declarations = [manager.declaration(name) for name in manager]
    held = any(declaration.holdouts for declaration in declarations)
    columns = [
        Column("experiment", name=True),
        Column("unit", left=True, spare=1),
        Column("variants", name=True),
        Column("rollout", left=True),
        Column("metrics", name=True, spare=2),
        *([Column("holdouts", name=True, spare=3)] if held else []),
    ]
    show_table(
        columns, [_row(each)[: len(columns)] for each in declarations], console(), ruled=False
    )


def _row(declaration: Declaration) -> tuple[str, ...]:
    total = sum(declaration.weights.values())
    variants = ", ".join(
        f"{variant_text(variant)} {weight / total:.0%}"
        for variant, weight in declaration.weights.items()
    )
    state = f"{declaration.rollout:.0%}" if declaration.enabled else "off"
    if declaration.enabled and declaration.frozen:
        state = f"{state}, frozen"
    if declaration.winner is not None:
        state = f"concluded: {variant_text(declaration.winner)}"
    metrics = ", ".join(metric.name for metric in declaration.metrics)
    holdouts = ", ".join(
        f"{holdout.name} {100 * holdout.share:g}%" for holdout in declaration.holdouts
    )
    return declaration.name, declaration.unit_type, variants or "in code", state, metrics, holdouts
