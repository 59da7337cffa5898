"""The result as tables for a terminal."""

from io import StringIO
from typing import TYPE_CHECKING

from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.findings.verdict import Badge, badges
from abkit.analysis.presentation import figures
from abkit.errors import MissingExtraError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from abkit.analysis.result import Result

_ROOMY = 90
_GOOD, _BAD, _NEUTRAL = "bold green", "bold red", "yellow"


def to_text(result: "Result", *, width: int = 100) -> str:
    """The tables as plain text.

    Args:
        result: The result of an analysis.
        width: Characters a line.

    Raises:
        MissingExtraError: rich is not installed.
    """
    try:
        from rich.console import Console
    except ImportError as error:
        raise MissingExtraError("rich", "cli") from error
    text = StringIO()
    show(result, Console(file=text, width=width, color_system=None, force_terminal=False))
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    return "\n".join(lines).strip("\n") + "\n"


def show(result: "Result", console: "Console") -> None:
    """Print the tables.

    Args:
        result: The result of an analysis.
        console: Where to; names are shown as they are, whatever markup they have.
    """
    _show_head(result, console)
    for found in result.metrics:
        _show_metric(found, result, console)
    _show_counts(result, console)
    _show_ratio(result, console)
    _line(console, ("Method  ", "bold"), f"{figures.method(result.settings)}")
    for warning in result.warnings:
        _line(console, ("Note    ", "bold yellow"), warning)


def _show_head(result: "Result", console: "Console") -> None:
    advice = result.recommendation
    target = f" {advice.variant}" if advice.variant is not None else ""
    _line(console, (result.plan.name, "bold"))
    if result.plan.hypothesis:
        _line(console, (result.plan.hypothesis, "italic"))
    console.print()
    style = {"roll out": _GOOD, "roll back": _BAD}.get(advice.action.value, _NEUTRAL)
    _line(console, ("Recommendation: ", "bold"), (f"{advice.action.value}{target}", style))
    for reason in advice.reasons:
        _line(console, f"  {reason}")


def _show_metric(found: MetricResult, result: "Result", console: "Console") -> None:
    metric = found.metric
    console.print()
    about = (
        f"  ({figures.kind(metric, decides=found is result.deciding)}; {figures.wanted(metric)})"
    )
    _line(console, (metric.name, "bold"), (about, "dim"))
    console.print(_metric_table(found, result, width=console.width))
    for treatment in found.treatments:
        parts: list[str | tuple[str, str]] = [f"  {treatment.arm.variant}: "]
        for number, badge in enumerate(badges(treatment.comparison, metric)):
            parts += [" · "] if number else []
            parts.append((badge.value, _style(badge)))
        if treatment.missing:
            parts.append(f" (needs {' and '.join(treatment.missing)})")
        _line(console, *parts)


def _metric_table(found: MetricResult, result: "Result", *, width: int) -> "Table":
    table = _table("variant", width=width)
    binary = found.metric.binary
    table.add_column("units", justify="right", no_wrap=True)
    if binary:
        table.add_column("conversions", justify="right", no_wrap=True)
    table.add_column("rate" if binary else "mean", justify="right", no_wrap=True)
    table.add_column("lift", justify="right", no_wrap=True)
    interval = f"{figures.confidence(found, result.settings)} interval"
    table.add_column(interval, justify="right", no_wrap=True)
    table.add_column("p-value", justify="right", no_wrap=True)
    for arm, comparison in [
        (found.control, None),
        *((treatment.arm, treatment.comparison) for treatment in found.treatments),
    ]:
        control = arm is found.control
        compared = ("",) * 3 if control else (figures.NOTHING,) * 3
        if comparison is not None:
            p_value = figures.p_value(comparison.p_value)
            compared = (figures.lift(comparison), figures.interval(comparison), p_value)
        table.add_row(
            _plain(
                f"{arm.variant} (control)" if control and arm.variant != "control" else arm.variant
            ),
            f"{arm.moments.n:,}",
            *([figures.conversions(arm)] if binary else []),
            figures.mean(arm),
            *compared,
        )
    return table


def _show_counts(result: "Result", console: "Console") -> None:
    if result.several is None:
        return
    console.print()
    _line(console, ("Exposures", "bold"))
    table = _table("variant", width=console.width)
    for column in ("exposures", "units exposed", "left out", "units analyzed"):
        table.add_column(column, justify="right", no_wrap=True)
    for counts in result.counts:
        numbers = (counts.rows, counts.exposed, counts.excluded, counts.units)
        table.add_row(_plain(counts.variant), *(f"{number:,}" for number in numbers))
    console.print(table)


def _show_ratio(result: "Result", console: "Console") -> None:
    ratio = result.sample_ratio
    console.print()
    found = " : ".join(f"{count:,}" for count in ratio.counts.values())
    shares = " : ".join(figures.percent(w, digits=1) for w in ratio.weights.values())
    _line(
        console,
        ("Sample ratio ", "bold"),
        ("mismatch", _BAD) if ratio.alarm else ("as designed", "green"),
        f": {found} units for {shares}",
    )
    _line(
        console,
        f"  chi-square p = {figures.p_value(ratio.chi_square_p)}, "
        f"sequential p = {figures.p_value(ratio.sequential_p)}; "
        f"{ratio.method.value} decides, below {ratio.alpha:g}",
    )


def _table(first: str, *, width: int) -> "Table":
    from rich import box
    from rich.table import Table

    padding = 1 if width >= _ROOMY else 0
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, padding))
    table.add_column(
        first, overflow="fold", min_width=8
    )  # narrow terminals fold names, not numbers
    return table


def _style(badge: Badge) -> str:
    return {Badge.SIGNIFICANT: "bold green", Badge.NOT_SIGNIFICANT: "dim"}.get(badge, "cyan")


def _plain(text: str) -> "Text":
    """Text without markup: a variant may be called "[red]"."""
    from rich.text import Text

    return Text("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text))


def _line(console: "Console", *parts: str | tuple[str, str]) -> None:
    from rich.text import Text

    line = Text()
    for part in parts:
        text, style = (part, "") if isinstance(part, str) else part
        line.append(_plain(text).plain, style=style)
    console.print(line, highlight=False)
