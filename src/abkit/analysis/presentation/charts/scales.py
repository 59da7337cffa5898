"""Where the labels of an axis stand, and how they are written: as d3, of which Vega is made. Pure."""

from collections.abc import Callable
from math import ceil, floor, isfinite, log10, sqrt
from re import sub

from attrs import frozen

_STEPS = ((sqrt(50), 10), (sqrt(10), 5), (sqrt(2), 2))
"""From which remainder on a step is ten, five or two times a power of ten (Bostock, d3-array, ticks.js)."""


@frozen
class Form:
    """How numbers of an axis are written.

    Attributes:
        expression: In Vega's language, of `datum.value`.
        write: The same in Python.
        exact: With more digits, for a tooltip: in the words of d3-format.
    """

    expression: str
    write: Callable[[float], str]
    exact: str

    def __call__(self, value: float) -> str:
        """The text of a number; its minus is a true one, as Vega's."""
        return self.write(value).replace("-", "\N{MINUS SIGN}")


COUNT = Form("format(datum.value, ',d')", "{:,.0f}".format, ",d")
"""Such as "12,000"."""

TENTH = Form("format(datum.value, '.1f')", "{:.1f}".format, ".4f")
"""Such as "0.5"."""

_WHOLE_PERCENT = Form(
    "datum.value === 0 ? '0%' : format(datum.value, '+.0%')",
    lambda value: f"{value:+.0%}" if value else "0%",
    "+.2%",
)
_FINE_PERCENT = Form(
    "datum.value === 0 ? '0%' : format(datum.value, '+.2~%')",
    lambda value: f"{value * 100:+.2f}".rstrip("0").rstrip(".") + "%" if value else "0%",
    "+.4%",
)
_DIFFERENCE = Form(
    "datum.value === 0 ? '0' : format(datum.value, '+.3~g')",
    lambda value: sub(r"(e[+-])0+", r"\1", f"{value:+.3g}") if value else "0",
    "+.4~g",
)


def changes(low: float, high: float, *, relative: bool) -> Form:
    """How changes from `low` to `high` are written: signed, but for 0."""
    if not relative:
        return _DIFFERENCE
    return _WHOLE_PERCENT if 0.08 < high - low < 100 else _FINE_PERCENT


def ticks(low: float, high: float, *, about: int, whole: bool = False) -> list[float]:
    """Round numbers from `low` to `high`.

    Args:
        low: The beginning.
        high: The end.
        about: How many are wanted.
        whole: Whether they are whole numbers.
    """
    step = _step(low, high, about)
    if step is None:
        return [low]
    if whole:
        step = max(1.0, step)
    # A power of ten below one is no exact number; its inverse is.
    if step < 1:
        inverse = round(1 / step)
        return [i / inverse for i in range(ceil(low * inverse), floor(high * inverse) + 1)]
    return [i * step for i in range(ceil(low / step), floor(high / step) + 1)]


def rounded_up(high: float, *, about: int) -> float:
    """Where an axis from 0 ends so that its last tick is at its end, and is not below `high`."""
    step = _step(0.0, high, about)
    end = high if step is None else ceil(high / step) * step
    # A longer axis may have larger steps.
    return end if end == high else rounded_up(end, about=about)


def _step(low: float, high: float, about: int) -> float | None:
    """The distance of ticks; None if there is no room between the ends."""
    raw = (high - low) / about
    if not isfinite(raw) or raw < max(abs(low), abs(high), 1e-290) * 1e-12:
        return None
    power = floor(log10(raw))
    rest = raw / 10.0**power
    factor = next((factor for least, factor in _STEPS if rest >= least), 1)
    return float(factor * 10.0**power)
