"""Which module the experiments are in, and where their settings are."""

import sys
from collections.abc import Callable, Mapping
from os import environ
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

import click

from abkit.errors import ConfigError
from abkit.experiments.deciding.active import active_experiments, experiments_module
from abkit.experiments.deciding.catalogues import (
    catalogue_for,
    named_catalogue,
    use_names,
    with_catalogue,
)
from abkit.experiments.deciding.settings_place import settings_at
from abkit.experiments.declaring.catalogue import Catalogue
from abkit.experiments.declaring.experiment import Experiment
from abkit.manager import ExperimentManager
from abkit.pyproject import tool_table

CONFIG_VARIABLE = "ABKIT_CONFIG"
EVENTS_VARIABLE = "ABKIT_EVENTS"
SETTINGS_VARIABLE = "ABKIT_SETTINGS"
STICKY_VARIABLE = "ABKIT_STICKY_STORE"
STICKY_TIMEOUT = 5.0
"""Seconds that a command waits for a sticky store: nobody's request waits for it."""

_Command = TypeVar("_Command", bound=Callable[..., Any] | click.Command)


_Callback: TypeAlias = Callable[[click.Context, click.Parameter, str | None], str | None]


class Option(Protocol):
    """What adds an option to a command."""

    def __call__(self, command: _Command, /) -> _Command:
        """The command, with the option."""
        ...


config_option: Option = click.option(
    "--config",
    metavar="MODULE",
    envvar=CONFIG_VARIABLE,
    help=f"Module with ACTIVE_EXPERIMENTS, or its file. Default: ${CONFIG_VARIABLE}, or `config` in "
    "[tool.abkit] of pyproject.toml.",
)


def or_pyproject(name: str) -> _Callback:
    """What was said, or what pyproject.toml has by a name."""
    return lambda _ctx, _option, value: value or _from_pyproject(name)


stored_events_option: Option = click.option(
    "--events",
    metavar="DIR",
    help="Folder or URL with exposures/ and actions/, and identities/ if there are any. Default: "
    f"${EVENTS_VARIABLE}, or `events` in [tool.abkit] of pyproject.toml.",
)

settings_option: Option = click.option(
    "--settings",
    metavar="FILE",
    envvar=SETTINGS_VARIABLE,
    callback=or_pyproject("settings"),
    help=f"Settings in a .toml or .json file, or its URL. Default: ${SETTINGS_VARIABLE}, or `settings` in "
    "[tool.abkit] of pyproject.toml.",
)


sticky_option: Option = click.option(
    "--sticky-store",
    metavar="URL",
    envvar=STICKY_VARIABLE,
    callback=or_pyproject("sticky_store"),
    help="Store of the variants of sticky experiments: redis://..., postgresql+psycopg://..., "
    f"sqlite:///..., or module:name. Default: ${STICKY_VARIABLE}, or `sticky_store` in [tool.abkit] of "
    "pyproject.toml.",
)


def configured_experiments(config: str | None) -> tuple[type[Experiment], ...]:
    """The ACTIVE_EXPERIMENTS of the configured module.

    Raises:
        ConfigError: No module is configured, or it cannot be used.
        DeclarationError: One of its experiments is declared wrongly.
    """
    _look_here_for_modules()
    experiments = active_experiments(configured_module(config))
    return with_catalogue(experiments, named_catalogue() if use_names(experiments) else None)


def configured_catalogue(config: str | None) -> Catalogue | None:
    """The metrics of the project: METRICS of the configured module, or of the one that pyproject.toml names.

    Returns:
        None if there are none.

    Raises:
        ConfigError: No module is configured, or it does not exist; or as `catalogue_for`.
        DeclarationError: As `catalogue_for`.
    """
    _look_here_for_modules()
    return catalogue_for(experiments_module(configured_module(config)))


def configured_module(config: str | None) -> str:
    """The dotted name of that module.

    Raises:
        ConfigError: No module is configured, or it cannot be used.
    """
    module = config or _from_pyproject("config")
    if module is None:
        message = (
            "Which module are the experiments in? Pass --config your.module, "
            f'set {CONFIG_VARIABLE}, or write config = "your.module" under [tool.abkit] in pyproject.toml.'
        )
        raise ConfigError(message)
    return _module_of(module)


def configured_experiment(config: str | None, name: str) -> type[Experiment]:
    """One of these, by its name.

    Raises:
        ConfigError, DeclarationError: As `configured_experiments`.
        UnknownExperimentError: There is none of that name.
    """
    declaration = configured_manager(config).declaration(name)
    experiments = configured_experiments(config)
    return next(each for each in experiments if each.declaration.name == declaration.name)


def _look_here_for_modules() -> None:
    """As `python -m` does: the project's own modules are those of the folder the command is called in."""
    if not {"", str(Path.cwd())} & {*sys.path}:
        sys.path.insert(0, str(Path.cwd()))


def _module_of(config: str) -> str:
    """The dotted name of a module, which may be given as the path of its file or folder.

    Raises:
        ConfigError: It is a path of which no module can be imported from the current folder.
    """
    if not (config.endswith(".py") or "/" in config or "\\" in config):
        return config
    path = Path(config)
    if not path.exists():
        message = f"There is no {config}, and no module of that name: --config takes your.module"
        raise ConfigError(message)
    file = path.resolve().with_suffix("") if path.suffix == ".py" else path.resolve()
    here = Path.cwd().resolve()
    parts = file.relative_to(here).parts if file.is_relative_to(here) else ()
    if parts[-1:] == ("__init__",):
        parts = parts[:-1]
    if not parts or not all(part.isidentifier() for part in parts):
        message = (
            f"--config takes a module such as your.module. {config} is a path that is none in {here}: "
            "call abkit in the folder that your modules are imported from, with names Python can import"
        )
        raise ConfigError(message)
    return ".".join(parts)


def configured_manager(
    config: str | None, settings: str | None = None, sticky_store: str | None = None
) -> ExperimentManager:
    """A strict manager with the experiments of the configured module, under the settings.

    Raises:
        ConfigError, DeclarationError: As `configured_experiments`, `read_settings` and `store_from_url`.
    """
    manager = ExperimentManager(strict=True)
    if sticky_store is not None:
        from abkit.exposure.sticky.store_url import store_from_url

        _look_here_for_modules()
        manager.use_sticky_store(store_from_url(sticky_store), timeout=STICKY_TIMEOUT)
    for experiment in configured_experiments(config):
        manager.add(experiment)
    if settings is not None:
        read_settings(settings)
        manager.use_settings(settings)
    return manager


def read_settings(path: str) -> Mapping[str, Mapping[str, Any]]:
    """The settings of a file as they are now.

    Raises:
        ConfigError: The file cannot be read.
    """
    return settings_at(path).read() or {}


def configured_events(events: str | None) -> str | None:
    """Where the events are: as an option says, or a variable, or pyproject.toml; None: nowhere."""
    return events or environ.get(EVENTS_VARIABLE) or _from_pyproject("events")


def required_events(events: str | None) -> str:
    """Where the events are, of a command that needs them.

    Raises:
        ConfigError: As `configured_events`.
        UsageError: They are nowhere.
    """
    where = configured_events(events)
    if where is None:
        message = f"where are the events? Pass --events DIR, or set {EVENTS_VARIABLE}"
        raise click.UsageError(message)
    return where


def _from_pyproject(key: str) -> str | None:
    """What the nearest pyproject.toml says under [tool.abkit]."""
    path, values = tool_table()
    value = values.get(key)
    if value is not None and not isinstance(value, str):
        message = f"{path}: {key} under [tool.abkit] must be a text, not {value!r}"
        raise ConfigError(message)
    return value or None
