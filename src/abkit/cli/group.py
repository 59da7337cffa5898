"""The group of all commands, and how they fail: one line that says what is wrong, never a traceback."""

from importlib import import_module
from typing import Any

import click

from abkit.cli.failing import one_line_errors
from abkit.distribution import __version__, intruder
from abkit.errors import suggestion

COMMANDS = {
    "analyze": "abkit.cli.analyze:analyze",
    "assign": "abkit.cli.assign:assign",
    "check": "abkit.cli.check:check",
    "compact": "abkit.cli.compact:compact",
    "demo": "abkit.cli.demo:demo",
    "freeze": "abkit.cli.rollout:freeze",
    "interactions": "abkit.cli.interactions:interactions",
    "list": "abkit.cli.list:list_experiments",
    "metrics": "abkit.cli.metrics:metrics",
    "panel": "abkit.cli.panel:panel",
    "power": "abkit.cli.power:power",
    "rehearse": "abkit.cli.rehearse:rehearse",
    "rollback": "abkit.cli.rollout:rollback",
    "rollout": "abkit.cli.rollout:rollout",
    "simulate": "abkit.cli.simulate:simulate",
    "typescript": "abkit.cli.typescript:typescript",
    "unfreeze": "abkit.cli.rollout:unfreeze",
    "watch": "abkit.cli.watch:watch",
    "why": "abkit.cli.why:why",
}
"""Where each command is. One is imported when it is called, so that `list` needs no statistics."""


class Commands(click.Group):
    """The commands, which show abkit's own errors as theirs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        """Their names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was asked for; of an unknown one, which was meant."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            ctx.fail(f"No such command {name!r}.{suggestion(name, tuple(COMMANDS))}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        with one_line_errors():
            return super().invoke(ctx)


def _tell_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if not asked or ctx.resilient_parsing:
        return
    click.echo(f"abkit, version {__version__}")
    if wrong := intruder():
        click.echo(f"Warning: {wrong}", err=True)
    ctx.exit()


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_tell_version,
    help="Show the version and exit.",
)
def abkit() -> None:
    """A/B testing from one class: declare, assign, expose, deliver, analyze."""
