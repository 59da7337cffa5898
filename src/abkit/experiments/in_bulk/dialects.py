"""How SQL dialects differ: the one place of the experiments that quotes names and texts.

DuckDB and Spark are tested; the others follow their documentation.
"""

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from abkit.errors import ConfigError
from abkit.events import Variant
from abkit.experiments.in_bulk.columns import Kind, plain

_NAME_ESCAPES: Mapping[str, str] = MappingProxyType({'"': '""'})
_TEXT_ESCAPES: Mapping[str, str] = MappingProxyType({"'": "''"})


@frozen(kw_only=True)
class Dialect:
    """What a dialect calls its own way; `{}` stands for an expression.

    Attributes:
        text: The type of texts.
        number: The type of 64-bit floating point.
        sha1: From a text to SHA-1 of its UTF-8 as 40 lower-case hexadecimal digits.
        unhex: From 15 lower-case hexadecimal digits to a whole number.
        quote: What stands around names.
        name_escapes: How characters are written in a quoted name.
        text_escapes: How characters are written in a text constant.
        refused_in_names: What a quoted name cannot hold.
    """

    text: str = "varchar"
    number: str = "double"
    sha1: str = "sha1({})"
    unhex: str
    quote: str = '"'
    name_escapes: Mapping[str, str] = _NAME_ESCAPES
    text_escapes: Mapping[str, str] = _TEXT_ESCAPES
    refused_in_names: tuple[str, ...] = ("\0",)

    def name(self, name: str) -> str:
        """A column or a table, quoted.

        Raises:
            ConfigError: It cannot be a name.
        """
        if not isinstance(name, str) or not name:
            message = f"{name!r} cannot be the name of a column: pass a text that is not empty"
            raise ConfigError(message)
        for refused in self.refused_in_names:
            if refused in name:
                message = f"{name!r} cannot be written as the name of a column: it has {refused!r}"
                raise ConfigError(message)
        return f"{self.quote}{_escaped(name, self.name_escapes)}{self.quote}"

    def constant(self, text: str) -> str:
        """A text constant.

        Raises:
            ConfigError: It has a NUL character.
        """
        if "\0" in text:
            message = f"{text!r} cannot be written in SQL: it has a NUL character"
            raise ConfigError(message)
        return f"'{_escaped(text, self.text_escapes)}'"

    def value(self, value: Variant, kind: Kind) -> str:
        """A constant of a type that holds all values of the kind."""
        (simple,) = plain([value], kind)
        if kind is Kind.BOOLEAN:
            return "true" if simple else "false"
        if kind is Kind.INTEGER:
            return f"cast({simple} as bigint)"
        if kind is Kind.NUMBER:
            written = repr(simple).replace("inf", "Infinity")
            return f"cast('{written}' as {self.number})"
        return self.constant(simple)


def _escaped(text: str, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in text)


def _by_code(character: str) -> str:
    return f"' || char({ord(character)}) || '"


_SPARK = Dialect(
    text="string",
    unhex="cast(conv({}, 16, 10) as bigint)",
    quote="`",
    name_escapes={"`": "``"},
    # Whether a backslash or a doubled quote escapes depends on settings and versions; a dollar may
    # begin a variable, which Spark replaces in the text of a query, be it in quotes or not.
    text_escapes={character: _by_code(character) for character in "'\\$"},
    refused_in_names=("\0", "${"),
)

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "duckdb": Dialect(unhex="cast('0x' || {} as ubigint)"),
        "spark": _SPARK,
        "databricks": _SPARK,
        "bigquery": Dialect(
            text="string",
            number="float64",
            sha1="to_hex(sha1({}))",
            unhex="cast('0x' || {} as int64)",
            quote="`",
            name_escapes={"\\": "\\\\", "`": "\\`", "\n": "\\n", "\r": "\\r"},
            text_escapes={"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r"},
        ),
        "snowflake": Dialect(
            unhex=f"to_number({{}}, '{'X' * 15}')", text_escapes={"\\": "\\\\", "'": "''"}
        ),
        "trino": Dialect(sha1="lower(to_hex(sha1(to_utf8({}))))", unhex="from_base({}, 16)"),
        # pgcrypto; its texts are compared by bytes, whatever the database's collation.
        "postgres": Dialect(
            text="text",
            number="double precision",
            sha1="""encode(digest(convert_to({}, 'UTF8'), 'sha1'), 'hex') collate "C\"""",
            unhex="cast(cast('x0' || {} as bit(64)) as bigint)",
        ),
    }
)
"""By name."""


def dialect_of(name: str) -> Dialect:
    """The dialect of that name.

    Raises:
        ConfigError: None is called so.
    """
    try:
        return DIALECTS[name]
    except KeyError:
        message = f"There is no dialect {name!r}; there are {', '.join(DIALECTS)}."
        raise ConfigError(message) from None
