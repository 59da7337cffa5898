"""abkit rollout, rollback, freeze and unfreeze: act at once, through the settings."""

from collections.abc import Mapping
from typing import Any

import click

from abkit.cli.config import (
    STICKY_VARIABLE,
    config_option,
    configured_experiments,
    configured_manager,
    settings_option,
    sticky_option,
)
from abkit.cli.settings_changes import (
    audit_log_option,
    settings_writer,
    user,
    why_option,
    write_change,
    write_keys,
    yes_option,
)
from abkit.cli.settings_history import show_history
from abkit.errors import ConfigError
from abkit.experiments.changing.settings_change import concluded, frozen_to, ramped, switched_off
from abkit.experiments.checking.tracing import declaration_with_variants
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.declared_class import check_frozen


@click.command()
@click.argument("name", required=False)
@click.option("--variant", help="Give everybody this variant, and conclude the experiment.")
@click.option("--share", type=float, help="Enroll this share of the units, from 0 to 1, instead.")
@click.option("--history", is_flag=True, help="Show who changed the settings, when and why.")
@click.option(
    "--undo", metavar="ID", help="Take back the change that --history shows with this id."
)
@why_option
@config_option
@settings_option
@audit_log_option
@yes_option
def rollout(
    name: str | None,
    variant: str | None,
    share: float | None,
    *,
    history: bool,
    undo: str | None,
    why: str,
    config: str | None,
    settings: str | None,
    audit_log: str | None,
    yes: bool,
) -> None:
    """Give everybody one variant of the experiment NAME, or change its rollout.

    With --history, show the changes of all settings, or of those of NAME. With --undo, take one of them back.
    """
    _check_asked(name, variant=variant, share=share, history=history, undo=undo)
    writer = settings_writer(settings, audit_log)
    if history:
        trail = writer.audit_log.read()
        show_history(trail if name is None else trail.of(name))
    elif undo is not None:
        change = writer.undoing(undo, who=user(), why=why)
        declaration = configured_manager(config).declaration(change.experiment)
        write_change(writer, declaration, change, yes=yes)
    elif name is not None:
        declaration = configured_manager(config, settings).declaration(name)
        keys: Mapping[str, Any] = {}
        if variant is not None:
            keys = _concluded(declaration, variant, config)
        elif share is not None:
            keys = _ramped(declaration, share)
        write_keys(writer, declaration, keys, why=why, yes=yes)


def _check_asked(
    name: str | None, *, variant: str | None, share: float | None, history: bool, undo: str | None
) -> None:
    """Refuse to guess what of several things is meant.

    Raises:
        UsageError: Nothing, or more than one thing, is asked for.
    """
    if [variant is not None, share is not None, history, undo is not None].count(True) != 1:
        message = "give either --variant V (conclude) or --share 0.5 (ramp), or else --history or --undo ID"
        raise click.UsageError(message)
    if undo is not None and name is not None:
        message = "--undo ID needs no NAME: the id says which experiment it is about"
        raise click.UsageError(message)
    if name is None and not history and undo is None:
        message = "Missing argument 'NAME': which experiment?"
        raise click.UsageError(message)


def _concluded(declaration: Declaration, variant: str, config: str | None) -> Mapping[str, Any]:
    name = declaration.name
    experiment = next(each for each in configured_experiments(config) if each.name == name)
    keys = concluded(declaration_with_variants(experiment), variant)
    for holdout in declaration.holdouts:
        click.echo(f"Units of the holdout {holdout.name} keep the default until it ends.")
    return keys


def _ramped(declaration: Declaration, share: float) -> Mapping[str, Any]:
    keys = ramped(declaration, share)
    if declaration.frozen:
        name = declaration.name
        click.echo(f"{name} is frozen: nobody new is enrolled until abkit unfreeze {name}")
    return keys


@click.command()
@click.argument("name")
@why_option
@config_option
@settings_option
@audit_log_option
@yes_option
def rollback(
    name: str,
    *,
    why: str,
    config: str | None,
    settings: str | None,
    audit_log: str | None,
    yes: bool,
) -> None:
    """Switch the experiment NAME off, so that everybody gets its default value."""
    declaration = configured_manager(config, settings).declaration(name)
    writer = settings_writer(settings, audit_log)
    write_keys(writer, declaration, switched_off(), why=why, yes=yes)


@click.command()
@click.argument("name")
@why_option
@config_option
@settings_option
@sticky_option
@audit_log_option
@yes_option
def freeze(
    name: str,
    *,
    why: str,
    config: str | None,
    settings: str | None,
    sticky_store: str | None,
    audit_log: str | None,
    yes: bool,
) -> None:
    """Stop enrolling new units in the experiment NAME; exposed units keep their variants.

    The experiment must be sticky. Exposures and actions are still logged. `abkit unfreeze` resumes enrolling.
    """
    declared = configured_manager(config).declaration(name)
    check_frozen(declared, frozen=True)
    if sticky_store is None:
        message = (
            f"Where are the variants of {name} kept? Without a sticky store nobody would take part any more. "
            f"Pass --sticky-store URL, set {STICKY_VARIABLE}, or write sticky_store = "
            '"redis://host:6379/0" under [tool.abkit] in pyproject.toml.'
        )
        raise ConfigError(message)
    writer = settings_writer(settings, audit_log)
    write_keys(writer, declared, frozen_to(declared, frozen=True), why=why, yes=yes)


@click.command()
@click.argument("name")
@why_option
@config_option
@settings_option
@audit_log_option
@yes_option
def unfreeze(
    name: str,
    *,
    why: str,
    config: str | None,
    settings: str | None,
    audit_log: str | None,
    yes: bool,
) -> None:
    """Resume enrolling new units in the experiment NAME."""
    declared = configured_manager(config).declaration(name)
    writer = settings_writer(settings, audit_log)
    write_keys(writer, declared, frozen_to(declared, frozen=False), why=why, yes=yes)
