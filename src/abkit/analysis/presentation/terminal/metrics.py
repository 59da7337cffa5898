"""What was found: the scorecard of all metrics, and each metric for each variant."""

from typing import TYPE_CHECKING

from abkit.analysis import times
from abkit.analysis.amounts import listed
from abkit.analysis.findings.badges import Tone
from abkit.analysis.findings.metric_result import Arm, MetricResult, OverTime, Treatment
from abkit.analysis.presentation import figures, margins, sentences, tones
from abkit.analysis.presentation.effects import Effects
from abkit.analysis.presentation.scorecard import Entry, Scorecard, scorecard
from abkit.analysis.presentation.terminal.tables import Cell, Column, show_table
from abkit.analysis.presentation.terminal.words import STYLES, line, sparkline

if TYPE_CHECKING:
    from rich.console import Console

    from abkit.analysis.outcome import Outcome

_SPARKED = 6
"""So many variants are shown over time; the report has more."""


def show_scorecard(result: "Outcome", console: "Console") -> None:
    """Print all metrics by all variants; nothing for one metric."""
    card = scorecard(result)
    if card is None:
        return
    console.print()
    line(console, ("All metrics", "bold"))
    columns = [
        Column("metric", name=True),
        *([Column("variant", name=True)] if card.several else []),
        Column("control", spare=3),
        Column("variant" if not card.several else "mean", spare=2),
        Column("difference", spare=4),
        Column("lift"),
        Column(f"{card.level} interval", spare=1),
        Column(card.proof, spare=5),
        Column("result", left=True),
    ]
    show_table(columns, [_of_card(entry, card) for entry in card.entries], console)
    for note in filter(None, (card.note, card.omitted)):
        line(console, (note, "dim"))


def _of_card(entry: Entry, card: Scorecard) -> list[str | Cell]:
    role = f" ({entry.role})" if entry.role else ""
    return [
        Cell(entry.metric, role),
        *([entry.variant] if card.several else []),
        entry.control,
        entry.mean,
        entry.difference,
        entry.lift,
        entry.interval,
        entry.proof,
        Cell(entry.word, style=STYLES[entry.tone]),
    ]


def show_metric(found: MetricResult, result: "Outcome", console: "Console") -> None:
    """Print a metric: its table, its badges, what was done to it, how it went over time."""
    metric = found.metric
    console.print()
    about = (
        f"  ({figures.kind(metric, decides=found is result.deciding)}; {figures.wanted(metric)})"
    )
    line(console, (metric.name, "bold"), (about, "dim"))
    _show_table(found, result, console)
    for treatment in found.treatments:
        _show_verdict(treatment, found, result, console)
    for note in (
        sentences.look(found),
        sentences.confidence(found, result.plan),
        sentences.adjustment(found),
        sentences.capped(found),
        sentences.immature(found),
        sentences.without_value(found),
    ):
        if note is not None:
            line(console, (note, "dim"), indent=2)
    if found.over_time is not None:
        _show_over_time(found, found.over_time, console)


def outcome_columns(found: MetricResult) -> tuple[Column, ...]:
    """The columns of what the test says."""
    if figures.bayesian(found):
        return Column("beats\ncontrol"), Column("best", spare=2)
    if figures.corrected(found):
        return Column("p-value", spare=5), Column("corrected")
    return (Column("p-value"),)


def outcome(treatment: Treatment, found: MetricResult) -> tuple[str, ...]:
    """What these columns have for one variant."""
    if treatment.comparison is None:
        return (figures.NOTHING,) * len(outcome_columns(found))
    if figures.bayesian(found):
        chances = (treatment.chance_to_beat, treatment.chance_to_be_best)
        return tuple(figures.NOTHING if c is None else figures.chance(c) for c in chances)
    if not figures.corrected(found):
        return (figures.p_value(treatment.comparison.p_value),)
    return figures.p_value(treatment.comparison.p_value), figures.proof(treatment)


def compared(treatment: Treatment) -> tuple[str, str]:
    """The lift and its interval."""
    comparison = treatment.comparison
    if comparison is None:
        return figures.NOTHING, figures.NOTHING
    return figures.lift(comparison), figures.interval(comparison)


def _show_table(found: MetricResult, result: "Outcome", console: "Console") -> None:
    binary, last = found.metric.binary, outcome_columns(found)
    columns = [
        Column("variant", name=True),
        Column("units", spare=3),
        *([Column("conversions", spare=6)] if binary else []),
        Column("rate" if binary else "mean", spare=1),
        Column("difference", spare=4),
        Column("lift"),
        Column(f"{figures.confidence(result.plan)} interval"),
        *last,
    ]

    def row(name: Cell, arm: Arm, *cells: str) -> list[str | Cell]:
        counted = [figures.conversions(arm)] if binary else []
        return [name, f"{arm.moments.n:,}", *counted, figures.mean(arm), *cells]

    control = found.control
    tag = "" if control.variant == "control" else " (control)"
    rows = [row(Cell(control.variant, tag), control, "", "", "", *("" for _ in last))]
    for treatment in found.treatments:
        comparison, name = treatment.comparison, Cell(treatment.arm.variant)
        apart = figures.difference(comparison, found.metric) if comparison else figures.NOTHING
        cells = (apart, *compared(treatment), *outcome(treatment, found))
        rows.append(row(name, treatment.arm, *cells))
    show_table(columns, rows, console)


def _show_verdict(
    treatment: Treatment, found: MetricResult, result: "Outcome", console: "Console"
) -> None:
    parts: list[str | tuple[str, str]] = [f"{treatment.arm.variant}: "]
    for number, (badge, tone) in enumerate(tones.toned(treatment, found.metric, result)):
        parts += [" · "] if number else []
        parts.append((badge.value, STYLES[tone]))
    bad = tones.news_of(treatment, found.metric, result) is Tone.BAD
    if bad and found.metric.margin is None:
        parts.append((f" ({tones.word(treatment, found.metric, result)})", STYLES[Tone.BAD]))
    if treatment.missing:
        parts.append(f" (needs {listed(treatment.missing)})")
    line(console, *parts, indent=2)
    for note in margins.notes(found, treatment):
        line(console, (note, "dim"), indent=4)
    for flag, meaning in figures.flags(treatment):
        line(console, (f"! {flag}", "bold yellow"), f": {meaning}", indent=4)


def _show_over_time(found: MetricResult, series: OverTime, console: "Console") -> None:
    effects = Effects.of([found])
    step = "days" if times.daily(series.ends) else "hours"
    for variant, line_ in list(series.treatments.items())[:_SPARKED]:
        shown = [c for c in line_.estimates if c is not None and effects.fits(c)]
        if len(shown) < 2:
            continue
        lifts = sparkline([effects(c).estimate for c in shown], among=(0.0,))
        said = f"{'lift' if effects.relative else 'difference'} {lifts}"
        if not figures.bayesian(found):
            said += f"  p {sparkline([c.p_value for c in shown], among=(0.0, 1.0))}"
        line(console, (f"{variant} over {len(series.ends)} {step}: {said}", "dim"), indent=2)
