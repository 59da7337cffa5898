"""Where a command keeps what it has read."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from abkit.analysis.store.file.remote_store import shared_copy
from abkit.analysis.store.place import Store
from abkit.cli.config import Option
from abkit.cli.places import FileOrUrl

_FILE = FileOrUrl()
_HELP = (
    "Keep what is read in this file, or what a URL names, so that the next run reads only what is new; "
    "such as data/events/store.duckdb."
)

store_option: Option = click.option("--store", metavar="FILE", type=_FILE, help=_HELP)
kept_option: Option = click.option("--store", "kept", metavar="FILE", type=_FILE, help=_HELP)


@contextmanager
def shared_store(path: Path | str | None, *, experiments: int) -> Iterator[Store | None]:
    """A store that several analyses share: each event is read once for all of them.

    Args:
        path: The one that is kept, or its URL, which is fetched once; None: one for this run only, if that is
            of use.
        experiments: How many are analyzed.

    Raises:
        AnalysisError: It cannot be fetched or put back.
    """
    if path is not None:
        with shared_copy(Store(path)) as store:
            yield store
        return
    if experiments < 2:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="abkit-") as folder:
        yield Store(Path(folder) / "store.duckdb")
