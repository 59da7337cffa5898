"""Whether the units were alike before their exposure, in words and figures."""

from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis.amounts import listed
from abkit.analysis.findings.badges import Tone
from abkit.analysis.findings.before import LEVEL, BeforeExposure, BeforeState
from abkit.analysis.presentation import figures

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome

_TONES = {
    BeforeState.ALIKE: Tone.GOOD,
    BeforeState.DIFFERS: Tone.BAD,
    BeforeState.UNKNOWN: Tone.WAIT,
}


@frozen(kw_only=True)
class Row:
    """One metric of one variant, in words; what is not known is a dash.

    Attributes:
        metric: The metric.
        variant: The variant.
        control: The control's mean before the exposure.
        mean: The variant's.
        difference: Between the two.
        interval: Of the difference.
        p_value: Corrected for all comparisons.
        state: What was found.
        tone: Whether that is good.
        missing: What a comparison waits for; else empty.
    """

    metric: str
    variant: str
    control: str
    mean: str
    difference: str
    interval: str
    p_value: str
    state: str
    tone: Tone
    missing: str


@frozen(kw_only=True)
class BeforeTable:
    """The check of the time before the exposure.

    Attributes:
        state: Of all comparisons together.
        tone: Whether that is good.
        level: The confidence of the intervals.
        rows: Metric by metric.
        note: How it was tested, in a sentence.
    """

    state: str
    tone: Tone
    level: str
    rows: tuple[Row, ...]
    note: str


def before_table(result: "Outcome") -> BeforeTable | None:
    """All comparisons; None where there are none, as CUPED is off."""
    if not result.before:
        return None
    states = {each.state for each in result.before}
    worst = next(
        state
        for state in (BeforeState.DIFFERS, BeforeState.UNKNOWN, BeforeState.ALIKE)
        if state in states
    )
    if worst is BeforeState.UNKNOWN and BeforeState.ALIKE in states:
        worst = BeforeState.ALIKE
    methods = {each.comparison.method for each in result.before if each.comparison is not None}
    test = "Welch's test" if "welch" in methods else "A test that holds at every look"
    count = len(result.before)
    shared = f", corrected for {count} comparisons" if count > 1 else ""
    return BeforeTable(
        state=worst.value,
        tone=_TONES[worst],
        level=f"{1 - LEVEL:.0%}",
        rows=tuple(map(_row, result.before)),
        note=f"{test}{shared}; that the units differed is reported at p = {LEVEL} or below.",
    )


def _row(each: BeforeExposure) -> Row:
    nothing, comparison = figures.NOTHING, each.comparison
    known = comparison is not None and each.p_value is not None
    return Row(
        metric=each.metric.name,
        variant=each.variant,
        control=nothing if comparison is None else figures.number(comparison.control.mean),
        mean=nothing if comparison is None else figures.number(comparison.treatment.mean),
        difference=nothing if comparison is None else figures.signed(comparison.difference),
        interval=nothing
        if comparison is None
        else f"{figures.signed(comparison.interval.low)} to {figures.signed(comparison.interval.high)}",
        p_value=figures.p_value(each.p_value) if known and each.p_value is not None else nothing,
        state=each.state.value,
        tone=_TONES[each.state],
        missing=f"needs {listed(each.missing)}" if each.missing else "",
    )
