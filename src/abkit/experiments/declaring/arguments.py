"""What callers pass to a declaration: likely mistakes are refused with what would be right."""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import wraps
from typing import Any, TypeVar

import attrs

from abkit.errors import AnalysisError, ArgumentError

Kind = TypeVar("Kind", bound=type)

_MEANT = {
    "actual": "actions",
    "alpha": "confidence",
    "before": "until",
    "begin": "start",
    "end": "until",
    "ends": "until",
    "from_": "start",
    "since": "start",
    "starts": "start",
    "stop": "until",
    "to": "until",
}
"""Words that others use for an argument."""


def arguments_checked(elsewhere: Mapping[str, str]) -> Callable[[Kind], Kind]:
    """Make a class refuse an unknown keyword with the one that may have been meant.

    Args:
        elsewhere: By a keyword that is not the class's, where to say it instead.
    """

    def checked(kind: Kind) -> Kind:
        init: Callable[..., None] = kind.__init__  # type: ignore[misc]
        known = [field.alias or field.name for field in attrs.fields(kind)]

        @wraps(init)
        def checking(self: object, *args: Any, **keywords: Any) -> None:
            for name in keywords:
                if name not in known:
                    raise ArgumentError(kind.__name__, _unknown(name, known, elsewhere))
            init(self, *args, **keywords)

        kind.__init__ = checking  # type: ignore[misc]
        return kind

    return checked


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _unknown(name: str, known: Sequence[str], elsewhere: Mapping[str, str]) -> str:
    if name in elsewhere:
        return f"has no argument {name!r}: {elsewhere[name]}"
    meant = _MEANT.get(name)
    names = [*known, *elsewhere]
    close = [meant] if meant in names else get_close_matches(name, names, n=1)
    if close and close[0] in elsewhere:
        return (
            f"has no argument {name!r}; did you mean {close[0]!r}? {_sentence(elsewhere[close[0]])}"
        )
    hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known)}"
    return f"has no argument {name!r}; {hint}"


def by_metric(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """Refuse what is not given by the names of metrics.

    Raises:
        AnalysisError: It is no mapping.
    """
    if not isinstance(value, Mapping):
        message = (
            f"{attribute.name} must be given by the name of a metric, such as {{'revenue': ...}}, "
            f"not {value!r}"
        )
        raise AnalysisError(message)
