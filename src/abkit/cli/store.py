"""Where a command keeps what it has read."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from abkit.analysis.reading.places import is_url
from abkit.analysis.store.place import Store
from abkit.cli.config import Option

_FILE = click.Path(path_type=Path, dir_okay=False)
_HELP = (
    "Keep what is read in this file, so that the next run reads only what is new; such as "
    "data/events/store.duckdb."
)

store_option: Option = click.option("--store", metavar="FILE", type=_FILE, help=_HELP)
kept_option: Option = click.option("--store", "kept", metavar="FILE", type=_FILE, help=_HELP)


@contextmanager
def shared_store(path: Path | None, *, events: str, experiments: int) -> Iterator[Store | None]:
    """A store that several analyses share: each event is read once for all of them.

    Args:
        path: The one that is kept; None: one for this run only, if that is of use.
        events: The folder of the events, or its URL.
        experiments: How many are analyzed.
    """
    if path is not None:
        yield Store(path)
        return
    if is_url(events) or experiments < 2:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="abkit-") as folder:
        yield Store(Path(folder) / "store.duckdb")
