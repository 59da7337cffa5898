"""Columns in MySQL and MariaDB."""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType

from abkit.analysis.engines.dialects.base import EARLIEST_MILLISECONDS, Dialect, Value
from abkit.analysis.engines.dialects.described import NUMBER, OTHER, TIME, WHOLE
from abkit.analysis.engines.refusals import END, SHOWN
from abkit.analysis.engines.translation import constant, quoted
from abkit.analysis.reading.columns import Kind
from abkit.errors import AnalysisError

DECIMAL, JSON, BITS = "decimal", "json", "bits"
_HELD: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("bigint", "int", "mediumint", "smallint", "tinyint", "year"), WHOLE),
        **dict.fromkeys(("date", "datetime", "timestamp"), TIME),
        **dict.fromkeys(("double", "float"), NUMBER),
        "decimal": DECIMAL,
        "json": JSON,
        "bit": BITS,
    }
)
_NUMERIC = (WHOLE, NUMBER, DECIMAL, BITS)
_LARGEST = "1.7976931348623157e308"  # what a text of a larger number is cast to
_NUMBER = "'^[[:space:]]*[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?[[:space:]]*$'"
_MOMENT = "[[:space:]]*[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)"
_ZONE = "(Z|z|UTC|[-+][0-9]{2}(:?[0-9]{2})?)[[:space:]]*$"
_WITH_ZONE = f"'^{_MOMENT}[[:space:]]*{_ZONE}'"
_WITHOUT_ZONE = f"'^{_MOMENT}?[[:space:]]*$'"
_EPOCH = "cast('1970-01-01' as datetime(6))"
_SHOWN_OF_OTHERS = 25
"""Characters that a message shows of a text that is not ASCII: it is cut after 100 bytes."""

_TOO_LONG = 200
_BROKEN = "this is no JSON: "


class MySQLDialect(Dialect):
    """That of MySQL and MariaDB, under the settings of `MySQL`; types are those of `held`.

    Args:
        collation: Texts are equal by it only if they are the same.
    """

    types: Mapping[Kind, str] = MappingProxyType(
        {
            Kind.TEXT: "char",
            Kind.EXACT: "char",
            Kind.KEY: "char",
            Kind.INSTANT: "signed",
            Kind.NUMBER: "double",
            Kind.TRUTH: "double",
        }
    )

    def __init__(self, collation: str) -> None:
        self._collation = collation

    def name(self, name: str) -> str:
        """A column's name, quoted."""
        return quoted(name, "mysql")

    def constant(self, text: str) -> str:
        """A text constant, quoted."""
        return constant(text, "mysql")

    def entry(self, value: Value, key: str) -> Value:
        """The entry of a JSON object or its text."""
        if value.type not in (JSON, OTHER):
            message = (
                f"{value.sql} is of the type {value.type}, which has no entry {key!r}; "
                "json and texts of JSON objects have"
            )
            raise AnalysisError(message)
        text = value.sql
        if value.type == OTHER:
            # Of what is no JSON, MariaDB would only say that it has no such entry.
            json_ = f"nullif({self._char(value.sql)}, '')"
            broken = _failing(self.constant(_BROKEN), json_)
            text = (
                f"case when {json_} is null or json_valid({json_}) then {json_} else {broken} end"
            )
        # MariaDB finds a key that is not ASCII only as the text has it: as it is, or escaped.
        names = dict.fromkeys(json.dumps(key, ensure_ascii=escaped) for escaped in (False, True))
        found = [f"json_extract({text}, {self.constant(f'$.{name}')})" for name in names]
        entry = found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"
        return Value(f"json_unquote(nullif({self._char(entry)}, 'null'))", OTHER)

    def text(self, value: Value) -> str:
        """As text; empty is null, and whole decimals lose their ".00"."""
        text = self._char(f"{value.sql} + 0" if value.type == BITS else value.sql)
        if value.type == DECIMAL:
            shorter = f"trim(trailing '.' from trim(trailing '0' from {text}))"
            return f"case when {text} like '%.%' then {shorter} else {text} end"
        return text if value.type in (WHOLE, NUMBER, TIME, BITS) else f"nullif({text}, '')"

    def number(self, value: Value, mark: str) -> str:
        """As a finite double; these databases have no others."""
        if value.type in _NUMERIC:
            return f"cast({value.sql} as double)"
        text = self.text(value)
        number = f"cast({text} as double)"
        return (
            f"case when {text} is null then null "
            f"when {text} regexp {_NUMBER} and abs({number}) < {_LARGEST} then {number} "
            f"else {self.refuse(mark, text, Kind.NUMBER)} end"
        )

    def instant(self, value: Value, mark: str) -> str:
        """As microseconds since 1970, UTC."""
        if value.type == TIME:
            return _micros(value.sql)
        text = self.text(value)
        refused = self.refuse(mark, text, Kind.INSTANT)
        if value.type in _NUMERIC:
            return f"case {_seconds(value.sql)} when {text} is not null then {refused} end"
        moment = f"regexp_substr({text}, '^{_MOMENT}')"
        local = _micros(f"cast({moment} as datetime(6))")
        return (
            f"case when {text} is null then null "
            f"when {text} regexp {_WITHOUT_ZONE} "
            f"then coalesce({_micros(f'cast({text} as datetime(6))')}, {refused}) "
            f"when {text} regexp {_WITH_ZONE} then coalesce({local} - {_offset(text)}, {refused}) "
            f"when {text} regexp {_NUMBER} then case {_seconds(text)} else {refused} end "
            f"else {refused} end"
        )

    def refuse(self, mark: str, text: str, kind: Kind) -> str:
        """An expression that fails, with the mark and a text in its message."""
        return _failing(self.constant(mark), text) if mark else f"cast(null as {self.types[kind]})"

    def _char(self, sql: str) -> str:
        return f"cast({sql} as char) collate {self._collation}"


def held(type_: str) -> str:
    """What a column holds, by its type as `show columns` tells it."""
    return _HELD.get(re.split(r"[^a-z]", type_.lower(), maxsplit=1)[0], OTHER)


def _failing(message: str, text: str) -> str:
    """An expression that fails with a message that shows a text.

    What cannot be used is only a warning here. But no lock can have so long a name, and asking who holds it
    fails with that name. Characters of four bytes would end the message.
    """
    ascii_ = f"length({text}) = char_length({text})"
    shown = (
        f"left(convert({text} using utf8mb3), "
        f"case when {ascii_} then {SHOWN} else {_SHOWN_OF_OTHERS} end)"
    )
    return f"is_used_lock(concat({message}, {shown}, '{END}', repeat('.', {_TOO_LONG})))"


def _micros(sql: str) -> str:
    return f"timestampdiff(microsecond, {_EPOCH}, {sql})"


def _seconds(sql: str) -> str:
    number = f"cast({sql} as double)"
    return (
        f"when abs({number}) < {EARLIEST_MILLISECONDS} "
        f"then cast(floor({number} * 1e6 + 0.5) as signed)"
    )


def _offset(text: str) -> str:
    """How many microseconds a text's time zone is ahead of UTC."""
    zone = f"regexp_substr({text}, '{_ZONE}')"
    digits = f"regexp_replace({zone}, '[^0-9]', '')"
    hours, minutes = f"left(concat({digits}, '00'), 2)", f"substr(concat({digits}, '0000'), 3, 2)"
    sign = f"case when left({zone}, 1) = '-' then -1 else 1 end"
    return f"({sign} * (cast({hours} as signed) * 60 + cast({minutes} as signed)) * 60000000)"
