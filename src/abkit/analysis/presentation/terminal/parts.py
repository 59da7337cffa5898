"""The parts of the panel beside the metrics."""

from typing import TYPE_CHECKING

from abkit.analysis import times
from abkit.analysis.presentation import figures, sentences
from abkit.analysis.presentation.advice import advised
from abkit.analysis.presentation.alerts import alerts
from abkit.analysis.presentation.commands import command
from abkit.analysis.presentation.heterogeneity import reactions
from abkit.analysis.presentation.identities import identities_sentence
from abkit.analysis.presentation.phase_marks import phase_marks
from abkit.analysis.presentation.terminal.metrics import compared
from abkit.analysis.presentation.terminal.tables import Cell, Column, show_table
from abkit.analysis.presentation.terminal.words import (
    BAD,
    GOOD,
    NEUTRAL,
    STYLES,
    line,
    sparkline,
    unbroken,
)
from abkit.analysis.presentation.worth import worth_sentence

if TYPE_CHECKING:
    from rich.console import Console

    from abkit.analysis.outcome import Outcome


def show_head(result: "Outcome", console: "Console") -> None:
    """Print what was asked, what to do, why, and the command that does it."""
    advice, design = result.recommendation, result.design
    line(console, (design.name, "bold"))
    if design.hypothesis:
        line(console, (design.hypothesis, "italic"))
    line(console, ("; ".join(sentences.facts(result)), "dim"))
    for alert in alerts(result):
        console.print()
        line(console, (f"! {alert.title}: ", STYLES[alert.tone]), alert.text)
    console.print()
    style = {"roll out": GOOD, "roll back": BAD}.get(advice.action.value, NEUTRAL)
    line(console, ("Recommendation: ", "bold"), (advised(result), style))
    for reason in advice.reasons:
        line(console, reason, indent=2)
    worth = worth_sentence(result)
    if worth is not None:
        line(console, worth, indent=2)
    left = sentences.remaining(result)
    if left is not None:
        line(console, left, indent=2)
    found = command(result)
    if found is not None:
        line(console, (f"{found.purpose}:", "dim"), indent=2)
        unbroken(console, found.line, "bold", indent=4)


def show_counts(result: "Outcome", console: "Console") -> None:
    """Print how exposures became units; nothing for a table of units."""
    if result.several is None:
        return
    console.print()
    frame = times.frame(result.frame)
    line(console, ("Exposures", "bold"), (f"  ({frame})" if frame else "", "dim"))
    columns = [
        Column("variant", name=True),
        Column("exposures", spare=1),
        Column("units exposed"),
        Column("left out"),
        Column("units analyzed"),
    ]
    rows = [
        [c.variant, *(f"{n:,}" for n in (c.rows, c.exposed, c.excluded, c.units))]
        for c in result.counts
    ]
    show_table(columns, rows, console)
    saw = sentences.several(result)
    if saw is not None:
        line(console, saw, indent=2)
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
    for mark in phase_marks(result):
        line(console, str(mark), indent=2)
    for sentence in cumulative.diagnosis:
        line(console, sentence, indent=2)


def show_segments(result: "Outcome", console: "Console") -> None:
    """Print who reacts differently, and the deciding metric in each segment.

    No test of a single segment is shown: one that is significant beside one that is not says nothing of
    the difference between them.
    """
    if not result.segments:
        return
    number = [found is result.deciding for found in result.metrics].index(True)
    first = result.segments[0].metrics[number]
    console.print()
    line(console, ("Segments", "bold"), (f"  ({first.metric.name})", "dim"))
    for sentence in reactions(result):
        line(console, sentence, indent=2)
    columns = [
        Column("segment", name=True),
        Column("variant", name=True),
        Column("units", spare=3),
        Column("lift"),
        Column(f"{figures.confidence(result.plan)} interval"),
    ]
    rows: list[list[str | Cell]] = []
    for segment in result.segments:
        found = segment.metrics[number]
        value = "(none)" if segment.value is None else segment.value
        rows += [
            [
                f"{segment.property}: {value}",
                treatment.arm.variant,
                f"{treatment.arm.moments.n:,}",
                *compared(treatment),
            ]
            for treatment in found.treatments
        ]
    show_table(columns, rows, console)


def show_unassigned(result: "Outcome", console: "Console") -> None:
    """Print how many of the assigned units were exposed, and how many units without being assigned."""
    found = result.unassigned
    if found is None:
        return
    console.print()
    line(console, ("Assignments", "bold"))
    columns = [
        Column("variant", name=True),
        Column("assigned"),
        Column("exposed"),
        Column("share"),
    ]
    rows = []
    for variant, assigned in found.assigned.items():
        exposed = found.exposed.get(variant, 0)
        share = figures.percent(exposed / assigned) if assigned else figures.NOTHING
        rows.append([variant, f"{assigned:,}", f"{exposed:,}", share])
    show_table(columns, rows, console)
    line(console, f"Exposed without an assignment: {sum(found.without.values()):,}", indent=2)


def show_identities(result: "Outcome", console: "Console") -> None:
    """Print what identities did, if some were given."""
    said = identities_sentence(result)
    if said is not None:
        console.print()
        line(console, ("Identities  ", "bold"), said)


def show_ratio(result: "Outcome", console: "Console") -> None:
    """Print whether the arms have the sizes that they should have."""
    ratio = result.sample_ratio
    console.print()
    variants = [of.variant for of in result.counts if of.variant in ratio.counts]
    names = " : ".join(variants)
    found = " : ".join(f"{ratio.counts[variant]:,}" for variant in variants)
    shares = "unknown shares"
    if ratio.known:
        shares = " : ".join(figures.percent(ratio.weights[v], digits=1) for v in variants)
    line(
        console,
        ("Sample ratio ", "bold"),
        (ratio.finding, BAD if ratio.alarm else "green" if ratio.known else "yellow"),
        f": {found} units ({names}) for {shares}",
    )
    line(
        console,
        f"{ratio.method.value} {figures.p_is(ratio.p_value)}; the alarm is at {ratio.alpha:g}",
        indent=2,
    )


def show_phases(result: "Outcome", console: "Console") -> None:
    """Print the phases within which the variants are compared, if there are several."""
    explained = sentences.phases(result)
    if explained is None:
        return
    variants = [of.variant for of in result.counts]
    line(console, ("Phases  ", "bold"), explained)
    line(console, f"by variant: {' : '.join(variants)}", indent=2)
    for each in result.phases:
        line(console, sentences.phase(each, variants), indent=2)


def show_method(result: "Outcome", console: "Console") -> None:
    """Print how the test was made, and what a reader must know about the data."""
    line(console, ("Method  ", "bold"), figures.method(result.plan))
    if result.not_as_planned:
        line(console, ("Not as planned  ", "bold yellow"), "; ".join(result.not_as_planned))
    for change in result.amended:
        line(console, ("Note    ", "bold yellow"), f"After the start, {change}.")
    for warning in result.warnings:
        line(console, ("Note    ", "bold yellow"), warning)
