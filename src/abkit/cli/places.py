"""Options whose value is a path of this machine, or a URL."""

from pathlib import Path
from typing import Any

import click

from abkit.file_systems import is_url


class FileOrUrl(click.Path):
    """The path of a file, which becomes a `Path`; or a URL, which stays a text."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A URL as it is; else as `click.Path` does."""
        return value if is_url(value) else super().convert(value, param, ctx)
