"""Columns that are of one type in some files, and of another in others: read so that no value changes.

DuckDB casts text to what is nested elsewhere, whose fields may be fewer, or whole numbers:
`{"price": 2.5}` would become 3, without a word.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from abkit.analysis.reading.parquet_schemas import alike
from abkit.analysis.reading.quoting import identifier

Described: TypeAlias = Callable[[str], Mapping[str, str]]
"""Gives the types of the columns of what follows FROM."""

_TEXTS = "MAP(VARCHAR, VARCHAR)"
_NESTED = frozenset({"STRUCT", "MAP", "[]"})
_REAL = frozenset({"FLOAT", "DOUBLE"})
_WHOLE = re.compile("U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)")
_NUMBER = re.compile(rf"BOOLEAN|{_WHOLE.pattern}|FLOAT|DOUBLE|DECIMAL\(.*\)")


def bodies_of(
    files: Sequence[Path], read: Callable[[Sequence[Path]], str], described: Described
) -> list[str]:
    """What follows FROM to read files of Parquet, in as many parts as they must be read in.

    Args:
        files: The files.
        read: Gives what reads some files together.
        described: As `Described`.
    """
    try:
        groups = alike(files) or tuple((file,) for file in files)
    except FileNotFoundError:
        return [read(files)]  # Whoever reads it will say that it is gone.
    if len(groups) == 1:
        return [read(files)]
    found = parts_of(groups, read, described)
    return [read(files)] if found is None else found


def parts_of(
    groups: Sequence[Sequence[Path]], read: Callable[[Sequence[Path]], str], described: Described
) -> list[str] | None:
    """What reads groups of files, if together some values would not stay as they are; else None.

    A column that is nested in some, and text in others or nested in another way, becomes text of JSON.

    Args:
        groups: Files of Parquet; those of a group have the same columns.
        read: As for `bodies_of`.
        described: As `Described`.
    """
    types = [described(read(group[:1])) for group in groups]
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    for each in types:
        for name, type_ in each.items():
            kinds[name.lower()].add(_kind(type_))  # To DuckDB, one name.
    mixed = {name for name, found in kinds.items() if len(found & {*_NESTED, "VARCHAR"}) > 1}
    if not mixed:
        return None
    return [
        _with_texts(
            read(group), [n for n in each if n.lower() in mixed and _kind(each[n]) in _NESTED]
        )
        for group, each in zip(groups, types, strict=True)
    ]


def types_beside(
    said: Mapping[str, str], names: Iterable[str], found: Callable[[], Mapping[str, str]]
) -> dict[str, str]:
    """As which types columns of JSON Lines are read whose rows are beside those of Parquet.

    Args:
        said: The types of Parquet.
        names: The columns of JSON Lines that are in Parquet too.
        found: Gives the types of JSON Lines by their values; it is asked where there are numbers.
    """
    numbers = {name for name in names if _NUMBER.fullmatch(said[name])}
    by_values = found() if numbers else {}
    return {
        name: _of_numbers(said[name], by_values.get(name, "JSON"))
        if name in numbers
        else "JSON"  # Of which both become.
        if _kind(said[name]) in _NESTED and said[name] != _TEXTS
        else said[name]
        for name in names
    }


def _of_numbers(said: str, found: str) -> str:
    """As which type numbers are read, so that neither these nor those of Parquet are rounded."""
    if said in _REAL or said.startswith("DECIMAL"):
        return "DOUBLE" if _NUMBER.fullmatch(found) else said
    if _WHOLE.fullmatch(said) and _WHOLE.fullmatch(found):
        return found
    return "JSON" if _NUMBER.fullmatch(found) and said != found else said


def _kind(type_: str) -> str:
    return "[]" if type_.endswith("]") else type_.partition("(")[0]


def _with_texts(body: str, names: Sequence[str]) -> str:
    if not names:
        return body
    texts = ", ".join(
        f"cast(to_json({identifier(name)}) as varchar) as {identifier(name)}" for name in names
    )
    return f"(select * replace ({texts}) from {body})"  # noqa: S608 - names are quoted
