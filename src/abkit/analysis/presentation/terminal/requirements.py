"""What an experiment needs, for a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from abkit.analysis.amounts import amount
from abkit.analysis.findings.planning import UNKNOWN_SIZE, Requirement
from abkit.analysis.presentation.terminal.tables import Column, show_table
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Alternative, Method

if TYPE_CHECKING:
    from rich.console import Console

_METHODS = {
    Method.SEQUENTIAL: "the sequential test, looked at {looks}",
    Method.WELCH: "Welch's test, looked at once",
    Method.BAYESIAN: "the Bayesian test, looked at once",
    Method.GROUP_SEQUENTIAL: "the group sequential test, with {planned}",
}


def show_requirements(
    found: Sequence[Requirement], plan: AnalysisPlan, console: "Console", *, power: float
) -> None:
    """Print a table with a row for each metric; the looks, if they are planned; and what it means.

    Args:
        found: What each metric needs, the deciding one first.
        plan: How the test is made.
        console: Where.
        power: The probability to find the effect by the planned size.

    Raises:
        MissingExtraError: rich is not installed.
    """
    known = found[0].per_day is not None
    days = [Column("days")] if known else []
    columns = [
        Column("metric", name=True),
        Column("now"),
        Column("to find"),
        Column("units", spare=0),
        *days,
        *([Column("on average"), *days] if found[0].needed.mean is not None else []),
    ]
    show_table(columns, [_row(each) for each in found], console, ruled=False)
    looks = found[0].needed.looks
    if looks:
        console.print()
        show_table(
            [
                Column("look"),
                Column("units"),
                *days,
                Column("stops at |z|"),
                Column("found by then"),
            ],
            [
                (
                    str(number),
                    f"{look.units:,.0f}",
                    *_days(found[0].days_of(look.units), known=known),
                    f"{look.bound:.3f}",
                    f"{look.power:.1%}",
                )
                for number, look in enumerate(looks, start=1)
            ],
            console,
            ruled=False,
        )
    console.print()
    for line in sentences(found[0], plan, power=power):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def sentences(found: Requirement, plan: AnalysisPlan, *, power: float) -> list[str]:
    """What the figures of the deciding metric mean.

    Args:
        found: What it needs.
        plan: How the test is made.
        power: The probability to find the effect by the planned size.
    """
    needed, name = found.needed, found.metric.name
    sides = "one-sided" if plan.alternative is Alternative.ONE_SIDED else "two-sided"
    shared = "" if found.comparisons == 1 else f", shared by {found.comparisons} comparisons"
    method = _METHODS[plan.method].format(
        looks="daily" if found.per_day is not None else "28 times until then",
        planned=amount(len(plan.looks), "planned look"),
    )
    do = "rule out" if found.rules_out else "find"
    first = (
        f"{found.units:,} units{_after(found, found.units)} {do} {found.goal:+.4g} relative "
        f"({found.difference:+.4g}) in {name} with power {power * 100:.4g}% by {method}, at "
        f"{plan.confidence * 100:.4g}% confidence ({sides}{shared})."
    )
    lines = [first]
    if needed.mean is not None:
        there, none = "If the change is there", "if there is none"
        if found.rules_out:
            there, none = "If nothing changes", "if the change is the margin"
        lines.append(
            f"{there}, it stops after {needed.mean:,.0f} units"
            f"{_after(found, needed.mean)} on average"
            + (
                ""
                if needed.mean_without_effect is None
                else f"; {none}, after {needed.mean_without_effect:,.0f}"
            )
            + f", and at the latest at {found.units:,}."
        )
    if needed.mean_until_found is not None:
        found_it = "rules it out" if found.rules_out else "finds the change"
        lines.append(
            f"Without an end, it {found_it} after {needed.mean_until_found:,.0f} units"
            f"{_after(found, needed.mean_until_found)} on average."
        )
    if found.baseline.reduction > 0:
        lines.append(f"CUPED takes away {found.baseline.reduction:.0%} of the variance.")
    if needed.error is not None:
        lines.append(
            f"The units are simulated; their standard error is {needed.error:.1%} of them."
        )
    if plan.min_days and found.days is not None and found.days < plan.min_days:
        lines.append(f"The plan rolls out nothing before {amount(plan.min_days, 'day')} are over.")
    if plan.sample_size not in (None, UNKNOWN_SIZE):
        word = "enough" if (plan.sample_size or 0) >= found.units else "too few"
        lines.append(f"The planned sample size of {plan.sample_size:,} is {word}.")
    return lines


def _row(found: Requirement) -> tuple[str, ...]:
    needed, known = found.needed, found.per_day is not None
    now = f"{found.baseline.mean:.2%}" if found.baseline.is_rate else f"{found.baseline.mean:.4g}"
    change = f"{found.goal:+.4g}{' (margin)' if found.rules_out else ''}"
    row = [found.metric.name, now, change, f"{found.units:,}"]
    row += _days(found.days, known=known)
    if needed.mean is not None:
        row += [f"{needed.mean:,.0f}", *_days(found.days_of(needed.mean), known=known)]
    return tuple(row)


def _days(days: int | None, *, known: bool) -> list[str]:
    return [f"{days:,}"] if known and days is not None else []


def _after(found: Requirement, units: float) -> str:
    days = found.days_of(units)
    return "" if days is None else f" ({amount(days, 'day')})"
