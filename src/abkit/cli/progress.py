"""A bar on stderr while an analysis runs; only where somebody sees it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def progress() -> Iterator[dict[str, Any]]:
    """Keywords for `run`: what tells of its steps, if stderr is a terminal; else nothing.

    What is told: what is done now, the number of its step (from 1), and how many steps there are.
    """
    if not sys.stderr.isatty():
        yield {}
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("Reading", total=None)

        def tell(what: str, step: int, of: int) -> None:
            shown.update(task, description=what, completed=step - 1, total=of)

        yield {"progress": tell}
