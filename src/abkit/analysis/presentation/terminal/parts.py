"""The parts of the panel beside the metrics."""

from typing import TYPE_CHECKING

from abkit.analysis.presentation import figures, times
from abkit.analysis.presentation.commands import command
from abkit.analysis.presentation.terminal.metrics import compared, outcome, outcome_columns
from abkit.analysis.presentation.terminal.words import (
    BAD,
    GOOD,
    NEUTRAL,
    line,
    plain,
    sparkline,
    table,
)

if TYPE_CHECKING:
    from rich.console import Console

    from abkit.analysis.outcome import Outcome


def show_head(result: "Outcome", console: "Console") -> None:
    """Print what was asked, what to do, why, and the command that does it."""
    advice, plan = result.recommendation, result.plan
    target = f" {advice.variant}" if advice.variant is not None else ""
    line(console, (plan.name, "bold"))
    if plan.hypothesis:
        line(console, (plan.hypothesis, "italic"))
    console.print()
    style = {"roll out": GOOD, "roll back": BAD}.get(advice.action.value, NEUTRAL)
    line(console, ("Recommendation: ", "bold"), (f"{advice.action.value}{target}", style))
    for reason in advice.reasons:
        line(console, reason, indent=2)
    left = figures.remaining(result)
    if left is not None:
        line(console, left, indent=2)
    found = command(result)
    if found is not None:
        line(console, (f"{found.purpose}:  ", "dim"), (found.line, "bold"), indent=2)


def show_counts(result: "Outcome", console: "Console") -> None:
    """Print how exposures became units; nothing for a table of units."""
    if result.several is None:
        return
    console.print()
    frame = times.frame(result.frame)
    line(console, ("Exposures", "bold"), (f"  ({frame})" if frame else "", "dim"))
    made = table(
        ["variant"],
        ["exposures", "units exposed", "left out", "units analyzed"],
        width=console.width,
    )
    for counts in result.counts:
        numbers = (counts.rows, counts.exposed, counts.excluded, counts.units)
        made.add_row(plain(counts.variant), *(f"{number:,}" for number in numbers))
    console.print(made)
    if result.exclusions:
        left = ", ".join(f"{name} {units:,}" for name, units in result.exclusions.items())
        line(console, f"Units excluded on request: {left}", indent=2)


def show_growth(result: "Outcome", console: "Console") -> None:
    """Print the shape of the cumulative exposures, and what it says."""
    cumulative = result.cumulative
    if cumulative is None or not cumulative.ends:
        return
    total = [sum(each) for each in zip(*cumulative.units.values(), strict=True)]
    step = "day" if times.daily(cumulative.ends) else "hour"
    plural = "" if len(total) == 1 else "s"
    tail = "" if cumulative.complete else f"; the last {step} is not over"
    line(
        console,
        f"Cumulative over {len(total)} {step}{plural}: {sparkline(total, among=(0,))} {total[-1]:,}{tail}",
        indent=2,
    )
    for sentence in cumulative.diagnosis:
        line(console, sentence, indent=2)


def show_segments(result: "Outcome", console: "Console") -> None:
    """Print the deciding metric in each segment."""
    if not result.segments:
        return
    number = [found is result.deciding for found in result.metrics].index(True)
    first = result.segments[0].metrics[number]
    console.print()
    line(
        console,
        ("Segments", "bold"),
        (f"  ({first.metric.name}; not corrected for their number)", "dim"),
    )
    level = figures.confidence(first, result.settings)
    last = outcome_columns(first)
    made = table(
        ["segment", "variant"], ["units", "lift", f"{level} interval", *last], width=console.width
    )
    for segment in result.segments:
        found = segment.metrics[number]
        value = "(none)" if segment.value is None else segment.value
        for treatment in found.treatments:
            made.add_row(
                plain(f"{segment.property}: {value}"),
                plain(treatment.arm.variant),
                f"{treatment.arm.moments.n:,}",
                *compared(treatment),
                *outcome(treatment, first),
            )
    console.print(made)


def show_unassigned(result: "Outcome", console: "Console") -> None:
    """Print how many of the assigned units were exposed, and how many units without being assigned."""
    found = result.unassigned
    if found is None:
        return
    console.print()
    line(console, ("Assignments", "bold"))
    made = table(["variant"], ["assigned", "exposed", "share"], width=console.width)
    for variant, assigned in found.assigned.items():
        exposed = found.exposed.get(variant, 0)
        share = figures.percent(exposed / assigned) if assigned else figures.NOTHING
        made.add_row(plain(variant), f"{assigned:,}", f"{exposed:,}", share)
    console.print(made)
    line(console, f"Exposed without an assignment: {sum(found.without.values()):,}", indent=2)


def show_ratio(result: "Outcome", console: "Console") -> None:
    """Print whether the arms have the sizes that they should have."""
    ratio = result.sample_ratio
    console.print()
    found = " : ".join(f"{count:,}" for count in ratio.counts.values())
    shares = " : ".join(figures.percent(w, digits=1) for w in ratio.weights.values())
    line(
        console,
        ("Sample ratio ", "bold"),
        ("mismatch", BAD) if ratio.alarm else ("as designed", "green"),
        f": {found} units for {shares}",
    )
    line(
        console,
        f"chi-square p = {figures.p_value(ratio.chi_square_p)}, "
        f"sequential p = {figures.p_value(ratio.sequential_p)}; "
        f"{ratio.method.value} decides, below {ratio.alpha:g}",
        indent=2,
    )


def show_method(result: "Outcome", console: "Console") -> None:
    """Print how the test was made, and what a reader must know about the data."""
    line(console, ("Method  ", "bold"), figures.method(result.settings))
    for warning in result.warnings:
        line(console, ("Note    ", "bold yellow"), warning)
