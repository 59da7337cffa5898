"""How a command fails: one line on stderr, and exit code 2."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from abkit.errors import AbkitError


class CommandError(click.ClickException):
    """A command cannot do what was asked; the message says why."""

    exit_code = 2


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn the errors of abkit, and those of writing a file, into one line."""
    try:
        yield
    except (AbkitError, OSError) as error:
        raise CommandError(" ".join(str(error).split())) from error
