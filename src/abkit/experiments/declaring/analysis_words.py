"""The words by which a plan says how it is judged, and what other tools call the same."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from abkit.errors import AnalysisError, suggestion


class Method(StrEnum):
    """How a variant is compared with the control."""

    SEQUENTIAL = "sequential"
    """Valid at every look, however often you look (mSPRT)."""
    WELCH = "welch"
    """Welch's t-test: valid at one look, at a size planned beforehand."""
    BAYESIAN = "bayesian"
    """The chance to beat the control, nothing being known before."""
    GROUP_SEQUENTIAL = "group-sequential"
    """Valid at a few planned looks, with nearly the power of a single one."""


class Alternative(StrEnum):
    """What is tested against no difference."""

    TWO_SIDED = "two-sided"
    ONE_SIDED = "one-sided"
    """Only the side that matters: a change in the metric's direction, or harm to a guardrail."""


class Correction(StrEnum):
    """How comparisons that are read together share the accepted probability of a false alarm."""

    BONFERRONI = "bonferroni"
    HOLM = "holm"
    BENJAMINI_HOCHBERG = "benjamini-hochberg"
    NONE = "none"


class Spending(StrEnum):
    """When a group sequential test spends its probability of a false alarm."""

    OBRIEN_FLEMING = "obrien-fleming"
    """Next to nothing early: only a large effect stops before the end."""
    POCOCK = "pocock"
    """Evenly over the looks."""


class Several(StrEnum):
    """What becomes of a unit that was exposed to several variants."""

    EXCLUDE = "exclude"
    """It is left out, and counted; unless its variant changed only where the weights did, which moves units:
    then it belongs to the variant that it saw first."""
    FIRST = "first"
    """It belongs to the variant that it saw first."""
    INCLUDE = "include"
    """It counts in each variant that it saw, from its first exposure there."""


class Step(StrEnum):
    """How far apart the looks of results over time are."""

    DAY = "day"
    HOUR = "hour"

    @property
    def length(self) -> timedelta:
        """As a length of time."""
        return timedelta(days=1) if self is Step.DAY else timedelta(hours=1)


Word = TypeVar("Word", Method, Alternative, Correction, Spending, Several, Step)

OTHER_WORDS: Mapping[type[StrEnum], Mapping[str, StrEnum]] = MappingProxyType(
    {
        Method: {
            "ttest": Method.WELCH,
            "student": Method.WELCH,
            "welchs": Method.WELCH,
            "welchsttest": Method.WELCH,
            "fixedhorizon": Method.WELCH,
            "msprt": Method.SEQUENTIAL,
            "alwaysvalid": Method.SEQUENTIAL,
            "bayes": Method.BAYESIAN,
            "gst": Method.GROUP_SEQUENTIAL,
        },
        Alternative: {
            "twosided": Alternative.TWO_SIDED,
            "both": Alternative.TWO_SIDED,
            "onesided": Alternative.ONE_SIDED,
            "greater": Alternative.ONE_SIDED,
            "larger": Alternative.ONE_SIDED,
            "less": Alternative.ONE_SIDED,
            "smaller": Alternative.ONE_SIDED,
        },
        Correction: {
            "bh": Correction.BENJAMINI_HOCHBERG,
            "fdr": Correction.BENJAMINI_HOCHBERG,
            "fdrbh": Correction.BENJAMINI_HOCHBERG,
            "no": Correction.NONE,
        },
        Spending: {"obf": Spending.OBRIEN_FLEMING},
    }
)
"""What other tools call the same, as `plain` writes it."""


def plain(word: str) -> str:
    """A word without what people write differently: capitals, blanks, hyphens."""
    return "".join(character for character in word.casefold() if character.isalnum())


def meant(kind: type[StrEnum], value: object) -> str:
    """Which word somebody meant who wrote another one: a sentence with a space before it, or nothing."""
    also = OTHER_WORDS.get(kind, {}).get(plain(str(value)))
    note = " (its side is the metric's direction)" if also is Alternative.ONE_SIDED else ""
    if also is not None:
        return f" Did you mean {also.value!r}{note}?"
    return suggestion(str(value), [str(word) for word in kind])


def word(kind: type[Word], name: str, value: str) -> Word:
    """The word that a text is.

    Raises:
        AnalysisError: It is none of them.
    """
    try:
        return kind(value)
    except ValueError:
        message = f"{name} must be one of {', '.join(kind)}, not {value!r}.{meant(kind, value)}"
        raise AnalysisError(message.removesuffix(".")) from None
