"""What the fields of a plan may be: the words, the limits, and what is refused."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from attrs import Attribute

from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_words import (
    Alternative,
    Correction,
    Method,
    Several,
    Spending,
    Step,
    word,
)
from abkit.experiments.declaring.arguments import by_metric
from abkit.experiments.declaring.exclusion import Exclusion
from abkit.experiments.declaring.metric_fields import LONGEST
from abkit.experiments.declaring.tau import Tau, checked_tau


def method(value: str | Method) -> Method:
    """The method that a text names."""
    return word(Method, "method", value)


def alternative(value: str | Alternative) -> Alternative:
    """The alternative that a text names."""
    return word(Alternative, "alternative", value)


def correction(value: str | Correction) -> Correction:
    """The correction that a text names."""
    return word(Correction, "correction", value)


def spending(value: str | Spending) -> Spending:
    """The spending function that a text names."""
    return word(Spending, "spending", value)


def several(value: str | Several) -> Several:
    """The rule for units in several variants that a text names."""
    return word(Several, "several", value)


def step(value: str | Step | None) -> Step | None:
    """The step of results over time that a text names; None: no such results."""
    try:
        return None if value is None else Step(value)
    except ValueError:
        message = f"over_time must be one of {', '.join(Step)}, or None, not {value!r}"
        raise AnalysisError(message) from None


def segments(value: Sequence[str]) -> tuple[str, ...]:
    """The names of segments, as a tuple; one text is refused."""
    if isinstance(value, str):
        message = f"segments must be a list of names, such as [{value!r}], not one text"
        raise AnalysisError(message)
    if not isinstance(value, Sequence) or not all(isinstance(name, str) for name in value):
        message = f"segments must be a list of names, such as ['plan'], not {value!r}"
        raise AnalysisError(message)
    return tuple(value)


def exclusions(value: Sequence[Exclusion]) -> tuple[Exclusion, ...]:
    """The exclusions, as a tuple; what is no exclusion is refused."""
    several = isinstance(value, Sequence) and not isinstance(value, str)
    if not several or not all(isinstance(each, Exclusion) for each in value):
        message = f"exclude must be a list of Exclusion(...), such as [BOTS], not {value!r}"
        raise AnalysisError(message)
    return tuple(value)


def looks(value: int | Sequence[float] | None) -> tuple[float, ...]:
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


def confidence(_: object, __: "Attribute[float]", value: float) -> None:
    """Refuse a confidence that is no share of at least a half and below 1."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and 0.5 <= value < 1):
        message = (
            f"confidence must be at least 0.5 and below 1, such as 0.95 for 95%, not {value!r}"
        )
        raise AnalysisError(message)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def size(_: object, __: "Attribute[Any]", value: int | None) -> None:
    """Refuse a sample size that is no count of units."""
    if value is not None and not _is_count(value):
        message = (
            f"sample_size must be the planned units of all arms together, from 1, not {value!r}; "
            "`abkit power` says how many a goal needs"
        )
        raise AnalysisError(message)


def days(_: object, __: "Attribute[Any]", value: int | None) -> None:
    """Refuse what is no whole number of days."""
    if value is not None and value != 0 and not _is_count(value):
        message = (
            f"min_days must be a whole number of days, such as 14, or 0 for none, not {value!r}"
        )
        raise AnalysisError(message)


def novelty(_: object, __: "Attribute[Any]", value: object) -> None:
    """Refuse what is neither true nor false."""
    if not isinstance(value, bool):
        message = f"novelty must be True or False, not {value!r}"
        raise AnalysisError(message)


def length(_: object, attribute: "Attribute[Any]", value: timedelta | None) -> None:
    """Refuse what is no length of time above 0."""
    if value is not None and not (isinstance(value, timedelta) and value > timedelta(0)):
        message = (
            f"{attribute.name} must be a timedelta above 0, such as timedelta(days=14), "
            f"not {value!r}"
        )
        raise AnalysisError(message)
    if value is not None and value > LONGEST:
        message = f"{attribute.name} must be at most {LONGEST.days} days (100 years), not {value!r}"
        raise AnalysisError(message)


def before(_: object, attribute: "Attribute[Any]", value: object) -> None:
    """A length of time; or, for a table of units, a column by metric."""
    if isinstance(value, Mapping):
        if all(isinstance(text, str) for pair in value.items() for text in pair):
            return
        message = (
            "cuped must name columns by metric, such as {'revenue': 'revenue_before'}, "
            f"not {value!r}"
        )
        raise AnalysisError(message)
    length(None, attribute, value)  # type: ignore[arg-type]


def frozen_mapping(value: Any) -> Any:
    """A mapping that nobody can change; anything else as it is."""
    return MappingProxyType(dict(value)) if isinstance(value, Mapping) else value


def taus(plan: object, attribute: "Attribute[Any]", value: Mapping[str, Tau]) -> None:
    """Refuse taus that are not given by the name of a metric, or are no differences."""
    by_metric(plan, attribute, value)
    if not all(isinstance(name, str) for name in value):
        message = (
            f"taus must be given by the names of metrics, not by {', '.join(map(repr, value))}"
        )
        raise AnalysisError(message)
    for name, tau in value.items():
        checked_tau(tau, name=f"The tau of {name!r}")
