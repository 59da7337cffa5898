"""Files of one kind and date become few, sorted, each event once: by DuckDB, in a memory that is given."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis.reading.mixed_types import bodies_of, types_beside
from abkit.analysis.reading.quoting import identifier, literal
from abkit.analysis.reading.readers import TYPES, listed, together
from abkit.errors import CompactionError
from abkit.extras import extra
from abkit.quoting import told
from abkit.sinks.file_formats import TABLES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Queries ask for one experiment, or for some actions: a sorted file has them in few places, of which the
# others' statistics tell that they are not there; and what is alike is small when it stands together.
_ORDER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "exposures": ("experiment", "salt", "unit_type", "time"),
        "actions": ("action", "time"),
        "identities": ("from_type", "to_type", "time"),
    }
)
_AT_ONCE = 1_000
"""Files that are open at once; of more, so many are read into one at a time."""


@frozen(kw_only=True)
class MergeLimits:
    """How much is used at once, and for one file.

    Attributes:
        memory: Of DuckDB, as it writes sizes: "1GB". What needs more goes to the disk for a while.
        threads: At most; each needs some of the memory.
        file_size: Bytes of a merged file, about.
    """

    memory: str = "1GB"
    threads: int = 4
    file_size: int = 200_000_000


@frozen(kw_only=True)
class Merged:
    """What came of it.

    Attributes:
        files: The new files, in the order of their rows.
        rows: In them.
        copies: Rows that were there again, which are left out.
    """

    files: tuple[Path, ...]
    rows: int
    copies: int


@contextmanager
def merging(kind: str, *, into: Path, limits: MergeLimits) -> Iterator["Merging"]:
    """What merges the files of one kind and date.

    Args:
        kind: "exposures", "actions" or "identities".
        into: An empty folder, for the new files and for what does not fit into the memory.
        limits: How much is used at once.

    Raises:
        CompactionError: In it, files cannot be read or merged; the message says why.
        MissingExtraError: duckdb is not installed.
    """
    with extra("analysis"):
        import duckdb
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute("set enable_progress_bar = false")
            connection.execute(f"set threads = {min(limits.threads, os.cpu_count() or 1)}")
            connection.execute(f"set memory_limit = {literal(limits.memory)}")
            connection.execute(f"set temp_directory = {literal(str(into / 'spilled'))}")
            yield Merging(connection, kind, into, limits.file_size)
    except duckdb.Error as error:
        raise CompactionError(told(error)) from error


class Merging:
    """Merges files of Parquet and JSON Lines; made by `merging`."""

    def __init__(
        self, connection: "DuckDBPyConnection", kind: str, into: Path, file_size: int
    ) -> None:
        self._connection = connection
        self._kind = kind
        self._into = into
        self._file_size = file_size

    def without_ids(self, files: Sequence[Path]) -> set[Path]:
        """The files with a row that has no insert_id.

        Nothing tells such a row from its copy. And there are copies as long as the new file is there, and
        the old ones are not gone yet.
        """
        found: set[Path] = set()
        for part in _parts(files):
            for read, some in ((_parquet, _of_parquet(part)), (_json_ids, _of_json(part))):
                if some:
                    found.update(self._without_ids(read(some), some))
        return found

    def merge(self, files: Sequence[Path]) -> Merged:
        """Merge files whose rows all have an insert_id.

        Columns stay as they are, those that are not abkit's too; what a file lacks is null. Rows with one
        insert_id that differ in nothing but the time are one event: the earliest stays.
        """
        events = self._gathered(files)
        rows, ids = self._counted(events)
        if not rows:
            return Merged(files=(), rows=0, copies=0)
        target = self._into / "merged"
        self._connection.execute(
            f"copy (select * from ({self._once(events, repeated=rows > ids)}) as once "  # noqa: S608 - names are quoted
            f"order by {self._order(events)}) to {literal(str(target))} "
            f"(format parquet, compression zstd, file_size_bytes {self._file_size})"
        )
        # They are numbered in the order of their rows.
        new = tuple(sorted(target.iterdir(), key=lambda file: (len(file.name), file.name)))
        kept, same_ids = self._counted(_parquet(new))
        if same_ids != ids or kept > rows:  # Never seen; but the old files will be gone.
            message = f"{rows:,} rows of {ids:,} events became {kept:,} rows of {same_ids:,} events"
            raise CompactionError(message)
        return Merged(files=new, rows=kept, copies=rows - kept)

    def _gathered(self, files: Sequence[Path]) -> str:
        """What reads all rows: of the files, or of fewer files made of them."""
        bodies = [self._body(part) for part in _parts(files)]
        if len(bodies) == 1:
            return bodies[0]
        gathered = [self._into / f"part-{number}.parquet" for number in range(len(bodies))]
        for body, file in zip(bodies, gathered, strict=True):
            self._connection.execute(
                f"copy (select * from {body}) to {literal(str(file))} (format parquet)"  # noqa: S608
            )
        return self._rows_of(gathered)

    def _rows_of(self, files: Sequence[Path]) -> str:
        return together(bodies_of(files, _parquet, self._types))

    def _body(self, files: Sequence[Path]) -> str:
        parquet, json = _of_parquet(files), _of_json(files)
        if not json:
            return self._rows_of(parquet)
        said = dict(_known_types(self._kind))
        names = self._types(_guessed(json, depth=1))
        bodies = []
        if parquet:
            bodies.append(self._rows_of(parquet))
            said |= self._types(bodies[0])
        known = types_beside(
            said,
            [name for name in names if name in said],
            lambda: self._types(_guessed(json, depth=-1)),
        )
        # What is not known stays what it is in JSON.
        typed = _typed({name: known.get(name, "JSON") for name in names})
        return together([*bodies, _lines(json, typed)])

    def _once(self, events: str, *, repeated: bool) -> str:
        """Each event once; only those that are there again are grouped, which needs their whole rows."""
        if not repeated:
            return f"select * from {events}"  # noqa: S608 - names are quoted
        self._connection.execute(f"""\
create temporary table repeated as
select hash(insert_id) as hashed from {events} group by hashed having count(*) > 1""")  # noqa: S608
        others = ", ".join(identifier(name) for name in self._types(events) if name != "time")
        return f"""\
select * from {events} where hash(insert_id) not in (select hashed from repeated)
union all by name
select {others}, min("time") as "time" from {events}
where hash(insert_id) in (select hashed from repeated)
group by {others}"""  # noqa: S608 - names are quoted

    def _order(self, events: str) -> str:
        there = self._types(events)
        return ", ".join(identifier(name) for name in _ORDER[self._kind] if name in there)

    def _counted(self, events: str) -> tuple[int, int]:
        """The rows, and the different insert ids; two of these may rarely look alike, but always do so."""
        rows, ids = self._connection.execute(
            f"select count(*), count(distinct hash(insert_id)) from {events}"  # noqa: S608
        ).fetchall()[0]
        return int(rows), int(ids)

    def _without_ids(self, body: str, files: Sequence[Path]) -> Iterator[Path]:
        if not {"insert_id", "time"} <= self._types(body).keys():
            yield from files
            return
        found = self._connection.execute(
            f"select distinct filename from {body} "  # noqa: S608 - names are quoted
            "where insert_id is null or cast(insert_id as varchar) = ''"
        ).fetchall()
        named = {Path(name) for (name,) in found}
        # A column of the files may be called like this too: then nothing is known of them.
        yield from named if named <= {*files} else files

    def _types(self, body: str) -> Mapping[str, str]:
        described = self._connection.execute(f"describe select * from {body}").fetchall()  # noqa: S608
        return {str(name): str(type_) for name, type_, *_ in described}


def _known_types(kind: str) -> Mapping[str, str]:
    return {name: TYPES[each] for name, each in TABLES[kind].items()}


def _parts(files: Sequence[Path]) -> Iterator[Sequence[Path]]:
    return (files[i : i + _AT_ONCE] for i in range(0, len(files), _AT_ONCE))


def _of_parquet(files: Sequence[Path]) -> list[Path]:
    return [file for file in files if file.suffix == ".parquet"]


def _of_json(files: Sequence[Path]) -> list[Path]:
    return [file for file in files if file.suffix != ".parquet"]


def _parquet(files: Sequence[Path]) -> str:
    # The date of the folder is no column of the files.
    return f"read_parquet({listed(files)}, union_by_name = true, hive_partitioning = false)"


def _lines(files: Sequence[Path], how: str) -> str:
    return f"read_json({listed(files)}, format = 'newline_delimited', hive_partitioning = false, {how})"


def _guessed(files: Sequence[Path], *, depth: int) -> str:
    """With the types that values have; objects and lists are taken apart down to a depth, -1: all of them."""
    return _lines(files, f"maximum_depth = {depth}, sample_size = -1, union_by_name = true")


def _json_ids(files: Sequence[Path]) -> str:
    return _lines(files, f"{_typed({'insert_id': 'VARCHAR', 'time': 'JSON'})}, filename = true")


def _typed(types: Mapping[str, str]) -> str:
    typed = ", ".join(f"{literal(name)}: {literal(type_)}" for name, type_ in types.items())
    return f"columns = {{{typed}}}"
