"""abkit rollout, rollback, freeze and unfreeze: act at once, through the settings."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import tomlkit

from abkit.cli.config import (
    STICKY_VARIABLE,
    Option,
    config_option,
    configured_experiments,
    configured_manager,
    read_settings,
    settings_option,
    sticky_option,
)
from abkit.errors import ConfigError
from abkit.events import variant_text
from abkit.experiments.checking.tracing import declaration_with_variants
from abkit.experiments.declaring.declaration import check_frozen, check_rollout

yes_option: Option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


@click.command()
@click.argument("name")
@click.option("--variant", help="Give everybody this variant, and conclude the experiment.")
@click.option("--share", type=float, help="Enroll this share of the units, from 0 to 1, instead.")
@config_option
@settings_option
@yes_option
def rollout(
    name: str,
    variant: str | None,
    share: float | None,
    *,
    config: str | None,
    settings: str | None,
    yes: bool,
) -> None:
    """Give everybody one variant of the experiment NAME, or change its rollout."""
    if (variant is None) == (share is None):
        message = "give either --variant V (conclude) or --share 0.5 (ramp)"
        raise click.UsageError(message)
    declaration = configured_manager(config, settings).declaration(name)
    keys: dict[str, Any]
    if variant is not None:
        experiment = next(each for each in configured_experiments(config) if each.name == name)
        winner = declaration_with_variants(experiment).variant_of(variant)
        keys = {"enabled": True, "winner": winner}
        for holdout in declaration.holdouts:
            click.echo(f"Units of the holdout {holdout.name} keep the default until it ends.")
    else:
        check_rollout(declaration, share)
        keys = {"enabled": True, "rollout": share, "winner": None}
        if declaration.frozen:
            click.echo(f"{name} is frozen: nobody new is enrolled until abkit unfreeze {name}")
    _write(_path(settings), name, keys, yes=yes)


@click.command()
@click.argument("name")
@config_option
@settings_option
@yes_option
def rollback(name: str, *, config: str | None, settings: str | None, yes: bool) -> None:
    """Switch the experiment NAME off, so that everybody gets its default value."""
    configured_manager(config, settings).declaration(name)
    _write(_path(settings), name, {"enabled": False, "winner": None}, yes=yes)


@click.command()
@click.argument("name")
@config_option
@settings_option
@sticky_option
@yes_option
def freeze(
    name: str, *, config: str | None, settings: str | None, sticky_store: str | None, yes: bool
) -> None:
    """Stop enrolling new units in the experiment NAME; exposed units keep their variants.

    The experiment must be sticky. Exposures and actions are still logged. `abkit unfreeze` resumes enrolling.
    """
    check_frozen(configured_manager(config).declaration(name), frozen=True)
    if sticky_store is None:
        message = (
            f"Where are the variants of {name} kept? Without a sticky store nobody would take part any more. "
            f"Pass --sticky-store URL, set {STICKY_VARIABLE}, or write sticky_store = "
            '"redis://host:6379/0" under [tool.abkit] in pyproject.toml.'
        )
        raise ConfigError(message)
    _write(_path(settings), name, {"frozen": True}, yes=yes)


@click.command()
@click.argument("name")
@config_option
@settings_option
@yes_option
def unfreeze(name: str, *, config: str | None, settings: str | None, yes: bool) -> None:
    """Resume enrolling new units in the experiment NAME."""
    is_declared = configured_manager(config).declaration(name).frozen
    _write(_path(settings), name, {"frozen": False if is_declared else None}, yes=yes)


def _path(settings: str | None) -> Path:
    if settings is None:
        message = (
            "Where are the settings? Pass --settings FILE, set ABKIT_SETTINGS, "
            'or write settings = "experiments.toml" under [tool.abkit] in pyproject.toml.'
        )
        raise ConfigError(message)
    return Path(settings)


def _write(path: Path, name: str, keys: Mapping[str, Any], *, yes: bool) -> None:
    """Show what changes, ask, and replace the file in one step. A key that is None is removed."""
    before = dict(read_settings(str(path)).get(name, {}))
    after = {key: value for key, value in {**before, **keys}.items() if value is not None}
    if before == after:
        click.echo(f"{path} says so already: nothing changes.")
        return
    click.echo(f"{path}, {name}:")
    for key in {**before, **after}:
        if before.get(key) != after.get(key):
            click.echo(f"  {key}: {_shown(before.get(key))} -> {_shown(after.get(key))}")
    if not yes:
        click.confirm("Write this?", abort=True)
    text = _json(path, name, after) if path.suffix == ".json" else _toml(path, name, after)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
    click.echo("Written. Running applications see it within their interval, a second by default.")


def _shown(value: object) -> str:
    return "not set" if value is None else variant_text(value)


def _json(path: Path, name: str, keys: Mapping[str, Any]) -> str:
    content = json.loads(path.read_text(encoding="utf-8") or "{}") if path.exists() else {}
    content[name] = keys
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _toml(path: Path, name: str, keys: Mapping[str, Any]) -> str:
    """The file's text with one table changed; its comments stay."""
    content = tomlkit.parse(path.read_text(encoding="utf-8") if path.exists() else "")
    table: Any = content.setdefault(name, tomlkit.table())
    for key in [*table]:
        if key not in keys:
            del table[key]
    for key, value in keys.items():
        if table.get(key) != value:
            table[key] = value
    return tomlkit.dumps(content)
