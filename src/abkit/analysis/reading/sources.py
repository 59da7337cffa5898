"""Where rows come from: a file, a directory, a glob, a URL, a frame in memory, a table of a database."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from attrs import Attribute, field, frozen

from abkit.errors import AnalysisError
from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS, IDENTITY_COLUMNS
from abkit.quoting import masked

Source: TypeAlias = object
"""A path (`str` or `Path`; a file, a directory or a glob; or a URL of these, such as
"s3://bucket/events/exposures") of Parquet, CSV or JSON Lines files; or a
pandas, Polars or Arrow frame, an Ibis table or a DuckDB relation; or the name of a table, where the
engine is a database or Spark; or a Spark DataFrame."""

Place: TypeAlias = str | tuple[str, str]
"""A column, or a column of maps, structs or JSON objects and the name of an entry."""

_NOTHING: Mapping[str, Place] = MappingProxyType({})
_KNOWN = tuple(dict.fromkeys((*EXPOSURE_COLUMNS, *ACTION_COLUMNS, *IDENTITY_COLUMNS)))
_OF_ENTRIES = ("groups", "properties")


def _mapped(_table: "Table", _attribute: "Attribute[Mapping[str, Place]]", value: object) -> None:
    if not isinstance(value, Mapping):
        message = f'columns must be a mapping such as {{"time": "event_time"}}, not {value!r}'
        raise AnalysisError(message)
    for name, place in value.items():
        _check_name(name, place)
        parts = place if isinstance(place, tuple) else (place,)
        if len(parts) > 2 or not all(isinstance(part, str) and part for part in parts):
            message = (
                f"columns maps {name!r} to {place!r}; give the name of a column, or the names of a "
                'column and of its entry: ("event_properties", "experiment")'
            )
            raise AnalysisError(message)


def _check_name(name: object, place: object) -> None:
    """Refuse what is no column of the schema."""
    of, dot, entry = str(name).partition(".")
    if name in _KNOWN or (of in _OF_ENTRIES and dot and entry):
        return
    turned = place in _KNOWN and "; it is the schema's name that comes first: " + repr(
        {place: name}
    )
    message = (
        f"columns maps {name!r}, which is no column of the schema{turned or ''}. The schema has "
        f'{", ".join(_KNOWN)}; and entries such as "groups.org" and "properties.price"'
    )
    raise AnalysisError(message)


@frozen
class Table:
    """Rows whose columns have names of their own.

    Attributes:
        source: A path, a frame, or the name of a table.
        columns: The table's name for a column of the schema, such as {"unit_id": "userid"}; or for an
            entry of `groups` or `properties`, such as {"groups.org": "org_id"}. Where it stands within
            a column of maps, structs or JSON objects, the column and the entry:
            {"experiment": ("event_properties", "experiment")}.

    Raises:
        AnalysisError: A name is not one of the schema.
    """

    source: Source
    columns: Mapping[str, Place] = field(default=_NOTHING, validator=_mapped)

    @property
    def name(self) -> str:
        """A title: the file's name, without its folders."""
        return Path(self.label).name

    @property
    def label(self) -> str:
        """How messages and reports call the table."""
        if isinstance(self.source, str | Path):
            return masked(str(self.source))
        return f"the {type(self.source).__name__}"


def table(source: Source) -> Table:
    """`source` itself if it is a table already, else a table with the schema's column names."""
    return source if isinstance(source, Table) else Table(source)
