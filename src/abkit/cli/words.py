"""Words that people type, as the options take them."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

import click

from abkit.analysis.settings import Method

METHODS: Mapping[str, str] = MappingProxyType(
    {
        "t-test": Method.WELCH,
        "welch's": Method.WELCH,
        "welch's t-test": Method.WELCH,
        "fixed-horizon": Method.WELCH,
        "msprt": Method.SEQUENTIAL,
        "always-valid": Method.SEQUENTIAL,
        "bayes": Method.BAYESIAN,
        "gst": Method.GROUP_SEQUENTIAL,
    }
)
"""Other names of the methods."""


def word(
    kind: type[StrEnum], also: Mapping[str, str] = MappingProxyType({})
) -> Callable[[str], str]:
    """An option's type: one of some words, in any case, with - or _ or nothing between.

    Args:
        kind: The words.
        also: Other names of these.
    """
    known = {each.value: each.value for each in kind}
    meant = {_plain(name): value for name, value in {**known, **also}.items()}

    def convert(text: str) -> str:
        found = meant.get(_plain(text))
        if found is not None:
            return found
        from difflib import get_close_matches

        close = get_close_matches(_plain(text), meant, n=1)
        hint = f" Did you mean {meant[close[0]]}?" if close else ""
        message = f"{text!r} is not one of {', '.join(known)}.{hint}"
        raise click.BadParameter(message)

    return convert


def choices(kind: type[StrEnum]) -> str:
    """The words, as help shows them."""
    return f"[{'|'.join(kind)}]"


def percentage(text: str) -> float:
    """A share; with a % it is in percent: 0.05 and 5% are the same.

    Raises:
        click.BadParameter: It is no number.
    """
    try:
        number = float(str(text).strip().removesuffix("%"))
    except ValueError:
        message = f"must be a number such as 0.05, or 5%, not {text!r}"
        raise click.BadParameter(message) from None
    return round(number / 100, 12) if str(text).strip().endswith("%") else number


def share(text: str) -> float:
    """What cannot be above 1, so that 80 is 80% too.

    Raises:
        click.BadParameter: It is no number.
    """
    number = percentage(text)
    return round(number / 100, 12) if number > 1 else number


def confidence(text: str) -> float:
    """A confidence: 0.95, 95 and 95% are the same.

    Raises:
        click.BadParameter: It is none.
    """
    found = share(text)
    if not 0.5 <= found < 1:
        message = f"must be at least 0.5 and below 1, such as 0.95 or 95%, not {text}"
        raise click.BadParameter(message)
    return found


def _plain(word: str) -> str:
    return "".join(character for character in word.casefold() if character.isalnum())
