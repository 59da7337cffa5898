"""What the nearest pyproject.toml says of abkit."""

import functools
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from abkit.errors import ConfigError


class ToolTable(NamedTuple):
    """The table [tool.abkit] of a pyproject.toml.

    Attributes:
        path: The file; None if there is none.
        values: What the table says; empty if there is none.
    """

    path: Path | None
    values: Mapping[str, Any]


def tool_table(start: Path | None = None) -> ToolTable:
    """The table [tool.abkit] of the pyproject.toml in a folder, or in the nearest one above it.

    Args:
        start: The folder; None: the current one.

    Raises:
        ConfigError: The file cannot be read, or [tool.abkit] is no table.
    """
    here = start or Path.cwd()
    for folder in (here, *here.parents):
        path = folder / "pyproject.toml"
        if not path.is_file():
            continue
        try:
            tool = _tool(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            message = f"{path} cannot be read: {error}"
            raise ConfigError(message) from None
        values = tool.get("abkit", {}) if isinstance(tool, Mapping) else tool
        if not isinstance(values, Mapping):
            message = f"{path}: [tool.abkit] must be a table, not {values!r}"
            raise ConfigError(message)
        return ToolTable(path, deepcopy(values))
    return ToolTable(None, {})


@functools.lru_cache(maxsize=8)
def _tool(text: str) -> Any:
    """What [tool] says; an analysis asks several times, and reading a long file takes longer than a query.

    Who gets it must not change it.
    """
    return tomllib.loads(text).get("tool", {})
