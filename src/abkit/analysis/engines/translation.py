"""The queries in another dialect, and the names of tables in them."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import frozen

from abkit.extras import extra

if TYPE_CHECKING:
    from sqlglot import exp

_PARTS = re.compile(r'("(?:[^"]|"")+"|[^".]+)(?:\.("(?:[^"]|"")+"|[^".]+))*')
_PART = re.compile(r'"(?:[^"]|"")+"|[^".]+')
_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_LATER_REPLACED = re.compile(r"['\\$]")
_SPARKS = ("spark", "databricks")

Rewrite: TypeAlias = Callable[[Any], None]
"""Changes the tree that SQLGlot has made of a query."""


def _as_it_is(_tree: Any) -> None:
    """A query that need not be changed."""


@frozen
class Translation:
    """A query in the dialect of a database.

    Attributes:
        parts: The common tables that the query brings along, by their quoted names.
        body: The select itself.
        tables: The names of the other tables that it reads, as the query calls them.
    """

    parts: Mapping[str, str]
    body: str
    tables: tuple[str, ...]


def translated(
    query: str, dialect: str, names: Mapping[str, str], *, rewrite: Rewrite = _as_it_is
) -> Translation:
    """A query of DuckDB's dialect in another one.

    Names are quoted, so that no database changes them to upper case. Each constant with a point is
    cast to a double, because there it would be a decimal, and means of decimals are rounded.

    Args:
        query: A select.
        dialect: SQLGlot's name of the dialect.
        names: What the tables of the query are called in the database.
        rewrite: Changes the query, where its dialect has no other word for a thing of DuckDB's.

    Raises:
        MissingExtraError: sqlglot is not installed.
    """
    sqlglot = _sqlglot()
    tree = sqlglot.parse_one(query, read="duckdb")
    rewrite(tree)
    own = {one.alias_or_name for one in tree.find_all(sqlglot.exp.CTE)}
    read = _rename_tables(tree, own, names)
    if dialect != "sqlite":  # which takes a quoted name that it does not know for a text
        for node in list(tree.find_all(sqlglot.exp.Identifier)):
            node.set("quoted", True)
    for node in list(tree.find_all(sqlglot.exp.Literal)):
        _replace_constant(node, dialect)
    parts = {}
    for part in tree.ctes:
        parts[quoted(part.alias, dialect)] = _text(part.this, dialect)
    with_ = tree.find(sqlglot.exp.With)
    if parts and with_ is not None:
        with_.pop()
    return Translation(parts, _text(tree, dialect), read)


def quoted(name: str, dialect: str) -> str:
    """A name, as a dialect quotes it."""
    return _text(_sqlglot().exp.to_identifier(name, quoted=True), dialect)


def constant(text: str, dialect: str) -> str:
    """A text constant, as a dialect quotes it."""
    tree = _spark_text(text) if dialect in _SPARKS and text else _sqlglot().exp.Literal.string(text)
    return _text(tree, dialect)


def with_parts(
    parts: Mapping[str, str],
    body: str,
    *,
    once: Collection[str] = (),
    anew: Collection[str] = (),
) -> str:
    """A select with common tables before it.

    Args:
        parts: The common tables, by their quoted names.
        body: The select.
        once: The common tables that are to be computed before they are joined.
        anew: The common tables that are to be read anew wherever they are named.
    """
    ways = {**dict.fromkeys(anew, " not materialized"), **dict.fromkeys(once, " materialized")}
    if not parts:
        return body
    listed = ",\n".join(
        f"{name} as{ways.get(name, '')} (\n{text}\n)" for name, text in parts.items()
    )
    return f"with\n{listed}\n{body}"


def place(name: str, dialect: str) -> str:
    """The name of a table as a user writes it, such as `analytics.events`, safe to put into a query.

    Plain names with capitals are left as they are, so that a database may read them in its own upper or
    lower case; `"names in double quotes"` are taken as they stand; whatever else is one name.
    """
    parts = _PART.findall(name) if _PARTS.fullmatch(name) else [name]
    return ".".join(_part(part, dialect) for part in parts)


def _part(part: str, dialect: str) -> str:
    folded = part != part.lower() or dialect == "snowflake"
    if folded and _SIMPLE.fullmatch(part):
        return part
    whole = len(part) > 2 and part[0] == part[-1] == '"'
    return quoted(part[1:-1].replace('""', '"') if whole else part, dialect)


def _rename_tables(
    tree: "exp.Expression", own: set[str], names: Mapping[str, str]
) -> tuple[str, ...]:
    """Give tables the names that they have in the database; the answer is what they were called."""
    exp = _sqlglot().exp
    read: dict[str, None] = {}
    for table in list(tree.find_all(exp.Table)):
        name = table.name
        if name in own or name not in names:
            continue
        read[name] = None
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(name)))
        table.set("this", exp.to_identifier(names[name]))
    return tuple(read)


def _replace_constant(node: "exp.Literal", dialect: str) -> None:
    exp = _sqlglot().exp
    if not node.is_string and not node.is_int and not isinstance(node.parent, exp.Cast):
        node.replace(exp.cast(node.copy(), "double"))
    elif node.is_string and dialect in _SPARKS and _LATER_REPLACED.search(node.this):
        node.replace(_spark_text(node.this))


def _spark_text(text: str) -> Any:
    """A text constant for Spark, in which settings decide what a backslash and a dollar mean."""
    exp = _sqlglot().exp
    pieces = [
        exp.func("chr", exp.Literal.number(ord(piece)))
        if _LATER_REPLACED.fullmatch(piece)
        else exp.Literal.string(piece)
        for piece in re.split(f"({_LATER_REPLACED.pattern})", text)
        if piece
    ]
    return pieces[0] if len(pieces) == 1 else exp.func("concat", *pieces)


def _text(tree: "exp.Expression", dialect: str) -> str:
    sqlglot = _sqlglot()
    return str(tree.sql(dialect=dialect, pretty=True, unsupported_level=sqlglot.ErrorLevel.IGNORE))


def _sqlglot() -> Any:
    with extra("warehouse"):
        import sqlglot
    return sqlglot
