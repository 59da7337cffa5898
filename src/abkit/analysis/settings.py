"""How the test is made: chosen by the analyst, not by the experiment."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from attrs import Attribute, evolve, field, frozen

from abkit.analysis.inference.sequential import Tau, checked_tau
from abkit.errors import AnalysisError, suggestion
from abkit.experiments.declaring.metrics import Direction, Metric

DEFAULT_LOOKS = 5
"""Planned looks of a group sequential test that says nothing else."""


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


_OF_ONE_SIDE = (Method.SEQUENTIAL, Method.WELCH)
_Word = TypeVar("_Word", Method, Alternative, Correction, Spending)


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


def _word(kind: type[_Word], name: str, value: str) -> _Word:
    try:
        return kind(value)
    except ValueError:
        message = f"{name} must be one of {', '.join(kind)}, not {value!r}.{meant(kind, value)}"
        raise AnalysisError(message.removesuffix(".")) from None


def _method(value: str | Method) -> Method:
    return _word(Method, "method", value)


def _alternative(value: str | Alternative) -> Alternative:
    return _word(Alternative, "alternative", value)


def _correction(value: str | Correction) -> Correction:
    return _word(Correction, "correction", value)


def _spending(value: str | Spending) -> Spending:
    return _word(Spending, "spending", value)


def _confidence(_settings: "Settings", _attribute: "Attribute[float]", value: float) -> None:
    if not 0.5 <= value < 1:
        message = (
            f"confidence must be at least 0.5 and below 1, such as 0.95 for 95%, not {value!r}"
        )
        raise AnalysisError(message)


def _size(_settings: "Settings", _attribute: "Attribute[int | None]", value: int | None) -> None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return
    message = (
        f"sample_size must be the planned units of all arms together, from 1, not {value!r}; "
        "`abkit power` says how many a goal needs"
    )
    raise AnalysisError(message)


def _length(_settings: "Settings", attribute: "Attribute[Any]", value: timedelta | None) -> None:
    if value is not None and not (isinstance(value, timedelta) and value > timedelta(0)):
        message = (
            f"{attribute.name} must be a timedelta above 0, such as timedelta(days=14), "
            f"not {value!r}"
        )
        raise AnalysisError(message)


def _taus(_settings: "Settings", _attribute: "Attribute[Any]", value: Mapping[str, Tau]) -> None:
    for name, tau in value.items():
        checked_tau(tau, name=f"The tau of {name!r}")


def _looks(value: int | Sequence[float] | None) -> tuple[float, ...]:
    """The planned shares of the sample size; a number means that many even steps."""
    if value is None or value == ():
        return ()
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return tuple((look + 1) / value for look in range(value))
    shares = tuple(value) if isinstance(value, list | tuple) else ()
    numbers = all(isinstance(share, int | float) and 0 < share <= 1 for share in shares)
    if shares and numbers and shares[-1] == 1 and list(shares) == sorted(set(shares)):
        return tuple(float(share) for share in shares)
    message = (
        "looks must be a number of looks such as 5, or rising shares of the sample size that end "
        f"with 1, such as (0.5, 0.75, 1), not {value!r}"
    )
    raise AnalysisError(message)


@frozen(kw_only=True)
class Settings:
    """How the test is made.

    Attributes:
        method: How a variant is compared with the control.
        confidence: One minus the accepted probability of a false alarm, for each family of
            comparisons that are read together: the treatments of a primary metric or of a guardrail;
            all secondary metrics with all treatments.
        alternative: Whether both sides are tested, or only the one that matters; the latter with
            `sequential` and `welch` only.
        correction: How a family shares that probability. Bonferroni's, unless said otherwise; none
            with the Bayesian method, whose chances are never corrected.
        taus: By metric, the difference that the sequential test looks for, in the metric's unit, or
            several with their weights. A metric not named here takes the standard error of the first
            look, and its goal times the control's mean so far if it has one (`findings.tau`).
        sample_size: The planned units of all arms together. With `welch`, nothing is concluded
            before it is reached; with `group-sequential`, looks are shares of it.
        looks: The planned looks of `group-sequential`, as shares of the sample size; a number means
            that many even steps.
        spending: When `group-sequential` spends its probability of a false alarm.
        cuped: The length of the time before a unit's first exposure whose actions explain away part
            of the variance; None: no CUPED.
        window: How long after its first exposure a unit's actions count; None: until the end.
    """

    method: Method = field(default=Method.SEQUENTIAL, converter=_method)
    confidence: float = field(default=0.95, validator=_confidence)
    alternative: Alternative = field(default=Alternative.TWO_SIDED, converter=_alternative)
    correction: Correction = field(converter=_correction)
    taus: Mapping[str, Tau] = field(factory=lambda: MappingProxyType({}), validator=_taus)
    sample_size: int | None = field(default=None, validator=_size)
    looks: tuple[float, ...] = field(converter=_looks)
    spending: Spending = field(default=Spending.OBRIEN_FLEMING, converter=_spending)
    cuped: timedelta | None = field(default=None, validator=_length)
    window: timedelta | None = field(default=None, validator=_length)

    @correction.default
    def _usual_correction(self) -> Correction:
        return Correction.NONE if self.method is Method.BAYESIAN else Correction.BONFERRONI

    @looks.default
    def _usual_looks(self) -> int | None:
        return DEFAULT_LOOKS if self.method is Method.GROUP_SEQUENTIAL else None

    def __attrs_post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise AnalysisError(problem)

    def _problem(self) -> str | None:
        """What does not go together, and what would."""
        return self._of_group_sequential() or self._of_other_methods()

    def _of_group_sequential(self) -> str | None:
        planned = self.method is Method.GROUP_SEQUENTIAL
        if self.looks and not planned:
            return (
                f"looks are planned with method='group-sequential', not with {self.method.value!r}"
            )
        if not planned:
            return None
        if self.sample_size is None:
            return (
                "method='group-sequential' needs sample_size, the planned units of all arms, of "
                "which its looks are shares; `abkit power` says how many a goal needs"
            )
        if not self.looks:
            return "method='group-sequential' needs looks, such as looks=5"
        if self.correction in (Correction.HOLM, Correction.BENJAMINI_HOCHBERG):
            return (
                "method='group-sequential' spends a level that must be known beforehand: use "
                "correction='bonferroni' or 'none'"
            )
        return None

    def _of_other_methods(self) -> str | None:
        method = self.method
        if self.alternative is Alternative.ONE_SIDED and method not in _OF_ONE_SIDE:
            return (
                "A one-sided test is offered with method='sequential' and 'welch', not with "
                f"{method.value!r}: "
                "use alternative='two-sided'"
            )
        if self.taus and method is not Method.SEQUENTIAL:
            return f"taus are those of method='sequential'; {method.value!r} has none"
        if method is Method.BAYESIAN and self.cuped is not None:
            return "CUPED is not offered with method='bayesian': use another method, or cuped=None"
        if method is Method.BAYESIAN and self.correction is not Correction.NONE:
            return "method='bayesian' corrects no chances: use correction='none', or leave it out"
        return None

    @property
    def level(self) -> float:
        """The accepted probability of a false alarm: 0.05 at a confidence of 95%."""
        return round(1 - self.confidence, 12)

    def alpha(self, comparisons: int) -> float:
        """The level of each of several comparisons that are read together (Bonferroni)."""
        return self.level / max(1, comparisons)

    def check(self, metrics: Sequence[Metric]) -> None:
        """Refuse settings that do not fit the metrics.

        Raises:
            AnalysisError: A tau is of no metric, or a one-sided test is of one without a direction.
        """
        names = [metric.name for metric in metrics]
        unknown = sorted(set(self.taus) - set(names))
        if unknown:
            message = f"taus names {', '.join(unknown)}; the metrics are {', '.join(names)}"
            raise AnalysisError(message)
        if self.alternative is Alternative.ONE_SIDED:
            sideless = [m.name for m in metrics if m.direction is Direction.ANY]
            if sideless:
                message = (
                    f"A one-sided test needs a side; {', '.join(sideless)} has direction='any': "
                    "declare direction='increase' or 'decrease', or use alternative='two-sided'"
                )
                raise AnalysisError(message)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know about the settings."""
        found: list[str] = []
        if self.confidence < 0.8:
            found.append(
                f"A confidence of {self.confidence:.0%} is low: expect a false alarm in "
                f"{self.level:.0%} of the experiments without a difference."
            )
        if self.method is Method.WELCH and self.sample_size is None:
            found.append(
                "Welch's t-test is valid at one look, at a size planned beforehand, and no "
                "sample_size is given: read it once, or use method='sequential', which holds at "
                "every look."
            )
        return tuple(found)

    @property
    def for_segments(self) -> "Settings":
        """The same for parts of the units: not corrected for several comparisons, without CUPED."""
        return evolve(self, correction=Correction.NONE, cuped=None)
