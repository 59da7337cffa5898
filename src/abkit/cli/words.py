"""Words that people type, as the options take them."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import click

from abkit.experiments.declaring.analysis_words import meant, plain

_NONE: Mapping[str, StrEnum] = MappingProxyType({})


class Word(click.Choice[str]):
    """One of some words, in any case, with - or _ or nothing between.

    Another one is answered with the one that was meant.

    Args:
        kind: The words.
        also: Other names of these, as `plain` writes them, which are understood too.
    """

    def __init__(self, kind: type[StrEnum], also: Mapping[str, StrEnum] = _NONE) -> None:
        super().__init__([each.value for each in kind])
        self._kind = kind
        self._known = {plain(each.value): each.value for each in kind} | {
            name: each.value for name, each in also.items()
        }

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word."""
        return super().convert(self._known.get(plain(str(value)), value), param, ctx)

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """What is wrong, and what would be right."""
        return f"{super().get_invalid_choice_message(value, ctx)}{meant(self._kind, value)}"


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
