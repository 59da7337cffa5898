"""Values of a unit, as SQL: within limits, as a logarithm, as 1 or 0; and which actions they are of."""

from collections.abc import Iterable

from abkit.analysis.reading.quoting import literal
from abkit.experiments.declaring.metrics import Measured, Metric, Winsorize


def limits(part: Metric) -> Winsorize | None:
    """The limits of a metric's values; None if it has none."""
    return part.winsorize if isinstance(part, Measured) else None


def transformed(part: Metric, column: str, *, low: float | None, high: float | None) -> str:
    """A value per unit within its limits, then its logarithm if that is wanted, as SQL."""
    value = column
    if low is not None or high is not None:
        above = "" if high is None else f" when {value} > {number(high)} then {number(high)}"
        below = "" if low is None else f" when {value} < {number(low)} then {number(low)}"
        # What is not finite must not become the limit: minus itself, it is not 0.
        value = f"case when {value} - {value} <> 0 then {value}{above}{below} else {value} end"
    if isinstance(part, Measured) and part.log:
        value = f"case when {value} > -1 then ln(1 + {value}) when {value} <= -1 then cast(0 as double) end"
    return value


def one_if(condition: str) -> str:
    """1 where a condition holds, else 0, as SQL: a double, for a decimal would be rounded."""
    return f"cast(case when {condition} then 1 else 0 end as double)"


def number(value: float) -> str:
    """A double constant, as SQL."""
    return f"cast({value!r} as double)"


def among(actions: Iterable[str]) -> str:
    """Whether an action is one of these, as SQL."""
    return f"action in ({', '.join(map(literal, actions))})"
