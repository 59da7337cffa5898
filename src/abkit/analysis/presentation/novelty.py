"""What is said of the effect by days since exposure."""

from abkit.analysis.findings.novelty import EffectByDay, Novelty, Trend
from abkit.analysis.presentation import figures
from abkit.analysis.statistics.days import early_days

_SAYS = {
    Trend.WEARS_OFF: "The effect wears off",
    Trend.GROWS: "The effect grows",
    Trend.REVERSES: "The effect reverses",
}
_WHOLE_WEEKS = 14


def said(found: Novelty, effect: EffectByDay) -> str:
    """What the test says of one variant, in a sentence or two."""
    if effect.early is None or effect.late is None or effect.share is None:
        waits = "; ".join(effect.missing)
        return f"Whether the effect changes is not tested yet: {waits}."
    first = early_days(found.length)
    lifts = (
        f"a lift of {figures.lift(effect.early)} in the first {first} days after the first exposure, "
        f"{figures.lift(effect.late)} in the {found.length - first} days after that"
    )
    p = "" if effect.corrected_p is None else f" ({figures.p_is(effect.corrected_p)})"
    if effect.trend is not None:
        return f"{_SAYS[effect.trend]}: {lifts}{p}."
    return f"No change of the effect is found: {lifts}{p}."


def about(found: Novelty) -> str:
    """What is shown, and of which units."""
    weekdays = (
        ""
        if found.length >= _WHOLE_WEEKS
        else " Until units have two weeks behind them, an effect of some days of the week may look like one "
        "that changes."
    )
    return (
        "Day 0 is the 24 hours after a unit's own first exposure. A unit counts for a day once that day is "
        f"over. The test compares units that have {found.length} days behind them, on the same days: the "
        "dashed lines are the lifts of its two parts."
        f"{weekdays}"
    )
