"""How the test is made: chosen by the analyst, not by the experiment."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from attrs import Attribute, field, frozen

from abkit.errors import AnalysisError


class Method(StrEnum):
    """How a variant is compared with the control."""

    SEQUENTIAL = "sequential"
    """Valid at every look, however often you look (mSPRT)."""
    WELCH = "welch"
    """Welch's t-test: valid at one look, at a size planned beforehand."""


def _method(value: str | Method) -> Method:
    try:
        return Method(value)
    except ValueError:
        message = f"method must be one of {', '.join(Method)}, not {value!r}"
        raise AnalysisError(message) from None


def _confidence(_settings: "Settings", _attribute: "Attribute[float]", value: float) -> None:
    if not 0.5 <= value < 1:
        message = (
            f"confidence must be at least 0.5 and below 1, such as 0.95 for 95%, not {value!r}"
        )
        raise AnalysisError(message)


@frozen(kw_only=True)
class Settings:
    """How the test is made.

    Attributes:
        method: How a variant is compared with the control.
        confidence: One minus the accepted probability of a false alarm, for each family of
            comparisons: see `alpha`.
        taus: By metric, the difference that the sequential test looks for, in the metric's unit.
            Fix it at the first look and pass it at later ones. A metric not named here takes its goal
            times the control's mean.
    """

    method: Method = field(default=Method.SEQUENTIAL, converter=_method)
    confidence: float = field(default=0.95, validator=_confidence)
    taus: Mapping[str, float] = field(factory=lambda: MappingProxyType({}))

    def alpha(self, comparisons: int) -> float:
        """The level of each of several comparisons that are read together (Bonferroni)."""
        return round(1 - self.confidence, 12) / max(1, comparisons)
