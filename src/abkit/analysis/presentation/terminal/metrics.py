"""One metric: what was found for each variant."""

from typing import TYPE_CHECKING

from abkit.analysis.findings.metric_result import Arm, MetricResult, OverTime, Treatment
from abkit.analysis.findings.verdict import Badge, badges
from abkit.analysis.presentation import figures, times
from abkit.analysis.presentation.effects import Effects
from abkit.analysis.presentation.terminal.words import line, plain, sparkline, table

if TYPE_CHECKING:
    from rich.console import Console

    from abkit.analysis.outcome import Outcome

_SPARKED = 6
"""So many variants are shown over time; the report has more."""


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
        _show_verdict(treatment, found, console)
    for note in (figures.adjustment(found), figures.capped(found)):
        if note is not None:
            line(console, (note, "dim"), indent=2)
    if found.over_time is not None:
        _show_over_time(found, found.over_time, console)


def outcome_columns(found: MetricResult) -> tuple[str, ...]:
    """The columns of what the test says."""
    if figures.bayesian(found):
        return ("beats\ncontrol", "best")
    return ("p-value", "corrected") if figures.corrected(found) else ("p-value",)


def outcome(treatment: Treatment, found: MetricResult) -> tuple[str, ...]:
    """What these columns have for one variant."""
    if treatment.comparison is None:
        return (figures.NOTHING,) * len(outcome_columns(found))
    if figures.bayesian(found):
        chances = (treatment.chance_to_beat, treatment.chance_to_be_best)
        return tuple(figures.NOTHING if c is None else figures.chance(c) for c in chances)
    p_value = figures.p_value(treatment.comparison.p_value)
    if not figures.corrected(found):
        return (p_value,)
    corrected = treatment.corrected_p
    return (p_value, figures.NOTHING if corrected is None else figures.p_value(corrected))


def compared(treatment: Treatment) -> tuple[str, str]:
    """The lift and its interval."""
    comparison = treatment.comparison
    if comparison is None:
        return figures.NOTHING, figures.NOTHING
    return figures.lift(comparison), figures.interval(comparison)


def _show_table(found: MetricResult, result: "Outcome", console: "Console") -> None:
    binary = found.metric.binary
    last = outcome_columns(found)
    made = table(
        ["variant"],
        [
            "units",
            *(["conversions"] if binary else []),
            "rate" if binary else "mean",
            "lift",
            f"{figures.confidence(found, result.settings)} interval",
            *last,
        ],
        width=console.width,
    )

    def add(name: str, arm: Arm, *cells: str) -> None:
        counted = [figures.conversions(arm)] if binary else []
        made.add_row(plain(name), f"{arm.moments.n:,}", *counted, figures.mean(arm), *cells)

    control = found.control
    name = control.variant if control.variant == "control" else f"{control.variant} (control)"
    add(name, control, "", "", *("" for _ in last))
    for treatment in found.treatments:
        arm = treatment.arm
        add(arm.variant, arm, *compared(treatment), *outcome(treatment, found))
    console.print(made)


def _show_verdict(treatment: Treatment, found: MetricResult, console: "Console") -> None:
    parts: list[str | tuple[str, str]] = [f"{treatment.arm.variant}: "]
    for number, badge in enumerate(badges(treatment.comparison, found.metric)):
        parts += [" · "] if number else []
        parts.append((badge.value, _style(badge)))
    if treatment.missing:
        parts.append(f" (needs {' and '.join(treatment.missing)})")
    line(console, *parts, indent=2)
    for flag, meaning in figures.flags(treatment):
        line(console, (f"! {flag}", "bold yellow"), f": {meaning}", indent=4)


def _show_over_time(found: MetricResult, series: OverTime, console: "Console") -> None:
    effects = Effects.of([found])
    step = "days" if times.daily(series.ends) else "hours"
    for variant, line_ in list(series.treatments.items())[:_SPARKED]:
        shown = [c for c in line_.comparisons if c is not None and effects.fits(c)]
        if len(shown) < 2:
            continue
        lifts = sparkline([effects(c).estimate for c in shown], among=(0.0,))
        said = f"{'lift' if effects.relative else 'difference'} {lifts}"
        if not figures.bayesian(found):
            said += f"  p {sparkline([c.p_value for c in shown], among=(0.0, 1.0))}"
        line(console, (f"{variant} over {len(series.ends)} {step}: {said}", "dim"), indent=2)


def _style(badge: Badge) -> str:
    return {Badge.SIGNIFICANT: "bold green", Badge.NOT_SIGNIFICANT: "dim"}.get(badge, "cyan")
