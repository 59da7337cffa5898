"""Numbers as people write them in tables: 1,234.5 and 1.234,5; and what means that there is none."""

from collections.abc import Mapping

from abkit.analysis.reading.quoting import literal

MISSING = ("na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", r"\n")
"""Texts that mean in a column of numbers, times or truths that there is no value, in small letters."""

_SIGN, _SPACES = "[-+]?", "[ '\u2019\u00a0\u202f]"
_FORMS = {
    # Each is written so in one of the two ways only.
    "comma": (
        f"{_SIGN}(0|[0-9]{{4,}}),[0-9]+",
        f"{_SIGN}[0-9]+,([0-9]{{1,2}}|[0-9]{{4,}})",
        f"{_SIGN}[0-9]{{1,3}}([.][0-9]{{3}})+,[0-9]+",
        f"{_SIGN}[0-9]{{1,3}}([.][0-9]{{3}}){{2,}}",
        f"{_SIGN}[0-9]{{1,3}}({_SPACES}[0-9]{{3}})+,[0-9]+",
    ),
    "point": (
        f"{_SIGN}(0?|[0-9]{{4,}})[.][0-9]+",
        f"{_SIGN}[0-9]+[.]([0-9]{{1,2}}|[0-9]{{4,}})",
        f"{_SIGN}[0-9]{{1,3}}(,[0-9]{{3}})+[.][0-9]+",
        f"{_SIGN}[0-9]{{1,3}}(,[0-9]{{3}}){{2,}}",
        f"{_SIGN}[0-9]{{1,3}}({_SPACES}[0-9]{{3}})+[.][0-9]+",
    ),
    "spaced": (f"{_SIGN}[0-9]{{1,3}}({_SPACES}[0-9]{{3}})+",),
}
FORMS = tuple(_FORMS)
"""The forms that tell how a column is written."""


def has_form(text: str, form: str) -> str:
    """Whether a text is written in a form, as SQL of DuckDB.

    Args:
        text: An expression.
        form: One of `FORMS`.
    """
    pattern = "|".join(_FORMS[form])
    return f"regexp_full_match({text}, {literal(f'({pattern})')})"


def decimal_mark(found: Mapping[str, int]) -> str | None:
    """What stands before the decimals in a column; None if its numbers need no translation.

    A column that contradicts itself, or that can be read in two ways (1,234 alone), has none: its values
    are refused where a plain number is wanted.

    Args:
        found: How many of its values have each of the `FORMS`.
    """
    if found["comma"] and found["point"]:
        return None
    if found["comma"]:
        return ","
    return "." if found["point"] or found["spaced"] else None


def plain(text: str, *, mark: str) -> str:
    """A number as programs write it, as SQL of DuckDB; what is none stays as it is.

    Args:
        text: An expression.
        mark: What stands before the decimals: a comma or a point.
    """
    group = "." if mark == "," else ","
    groups = f"[{group} '\u2019\u00a0\u202f]"
    number = f"{_SIGN}([0-9]+|[0-9]{{1,3}}({groups}[0-9]{{3}})+)?([{mark}][0-9]*)?"
    digits = f"regexp_replace({text}, {literal(groups)}, '', 'g')"
    return (
        f"case when regexp_full_match({text}, {literal(number)}) "
        f"then replace({digits}, {literal(mark)}, '.') else {text} end"
    )


def known(text: str) -> str:
    """A text, or null where it means that there is none, as SQL."""
    words = ", ".join(map(literal, MISSING))
    return f"case when lower(trim({text})) not in ({words}) then {text} end"
