"""A bar on stderr while an analysis runs; only where somebody sees it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def progress() -> Iterator[dict[str, Any]]:
    """Keywords for `run`: what tells of its steps, if stderr is a terminal; else nothing.

    What is told: what is done now, the number of its step (from 1), how many steps there are, and how much
    of the step is done.
    """
    if not sys.stderr.isatty():
        yield {}
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[within]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        yield {"progress": _Bar(shown)}


class _Bar:
    """Moves a bar by steps, and within a step by the share of it that is done."""

    def __init__(self, shown: "Progress") -> None:
        self._shown = shown
        self._task = shown.add_task("Reading", total=None, within="")
        self._before = 0

    def __call__(self, what: str, step: int, of: int) -> None:
        """A step begins."""
        self._before = step - 1
        self._shown.update(
            self._task, description=what, completed=self._before, total=of, within=""
        )

    def within(self, share: float) -> None:
        """So much of it is done."""
        self._shown.update(
            self._task,
            completed=self._before + share,
            within=f"{share:.1%} of this step",
            refresh=True,
        )
