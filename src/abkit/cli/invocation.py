"""How the command line was called, so that the commands which it shows can be pasted."""

import shutil
import sys
from pathlib import Path

import click

from abkit.analysis.outcome import Invocation


def invocation(*, config: str | None = None, settings: str | None = None) -> Invocation:
    """What is to be typed for `abkit` here, and what must follow a command.

    Args:
        config: The module of the experiments.
        settings: The file of the settings. Of both, what comes from the environment or from
            pyproject.toml need not be repeated; what was said on the command line must be.
    """
    options: list[str] = []
    if config is not None and _typed("config"):
        options += ["--config", config]
    if settings is not None:
        options += ["--settings", settings]
    return Invocation(program=program(), options=tuple(options))


def program() -> tuple[str, ...]:
    """What was typed for `abkit`: its name if the shell finds it by that, else its path."""
    called = Path(sys.argv[0])
    if called.name == "manage.py":
        return ("python", sys.argv[0], "abkit")
    if called.name != "abkit":
        return ("abkit",)
    found = shutil.which("abkit")
    if found is not None and Path(found).resolve() == called.resolve():
        return ("abkit",)
    return (sys.argv[0],)


def _typed(option: str) -> bool:
    """Whether an option was said on the command line; where there is none, whoever calls says it."""
    context = click.get_current_context(silent=True)
    if context is None or option not in context.params:
        return True
    source = context.get_parameter_source(option)
    return source is click.core.ParameterSource.COMMANDLINE
