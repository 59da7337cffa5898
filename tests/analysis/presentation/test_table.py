"""The result as tables for a terminal."""

from io import StringIO
from typing import Any

import pytest
from attrs import evolve

from abkit import Conversion, Sum
from abkit.analysis.analysis import Analysis
from abkit.analysis.plan import Plan
from abkit.analysis.presentation.table import show, to_text
from abkit.analysis.result import Result

LONG = "a variant whose name is as long as names of variants ever become in practice"


@pytest.fixture
def result(tables: Any, plan: Plan) -> Result:
    return analyze(tables, plan, "b")


def analyze(tables: Any, plan: Plan, treatment: str) -> Result:
    exposures = [
        {"unit_id": f"{variant}{i}", "variant": variant}
        for variant, units in (("a", 44_700 // 30), (treatment, 45_489 // 30))
        for i in range(units)
    ]
    actions = [
        {"action": "click", "user_id": f"{variant}{i}", "hour": 1, "properties": '{"price": 3}'}
        for variant, conversions in (("a", 200), (treatment, 300))
        for i in range(conversions)
    ]
    metrics = (
        Conversion("click", goal=0.2),
        Sum("revenue", action="click", property="price"),
        Conversion("never", direction="decrease", role="guardrail"),
    )
    planned = evolve(
        plan, metrics=metrics, weights={"a": 0.5, treatment: 0.5}, hypothesis="More will click."
    )
    return Analysis(planned, **tables(exposures, actions)).run()


def test_it_says_all_that_matters(result: Result) -> None:
    text = to_text(result, width=140)
    for wanted in (
        "More will click.",
        "Recommendation: continue",
        "click  (conversion, decides; should increase, goal +20%)",
        "a (control)   1,490           200   13.42%",
        "b: Significant · Above Goal · Above Control",
        "needs 25 more conversions in variant a and 25 more conversions in variant b",
        "Sample ratio as designed: 1,490 : 1,516 units for 50.0% : 50.0%",
        "chi-square p = 0.6353",
        "sequential test (mSPRT), valid at every look",
    ):
        assert wanted in text
    assert "95% interval" in text


@pytest.mark.parametrize("width", [60, 80, 100, 140])
@pytest.mark.parametrize("treatment", ["b", LONG])
def test_no_line_is_wider_than_the_terminal(
    tables: Any, plan: Plan, width: int, treatment: str
) -> None:
    text = to_text(analyze(tables, plan, treatment), width=width)
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("treatment", ["b", LONG])
def test_at_80_columns_no_number_is_cut(tables: Any, plan: Plan, treatment: str) -> None:
    """A long name is folded instead."""
    found = analyze(tables, plan, treatment)
    wide = to_text(found, width=200).split()
    numbers = [word for word in wide if any(c.isdigit() for c in word)]
    narrow = to_text(found, width=80)
    assert len(numbers) > 20
    assert [word for word in numbers if word not in narrow] == []
    assert "…" not in narrow


def test_markup_and_control_characters_in_names_are_shown_not_obeyed(
    tables: Any, plan: Plan
) -> None:
    from rich.console import Console

    name = "[red]b[/red]\x1b[31m"
    out = StringIO()
    show(
        analyze(tables, plan, name),
        Console(file=out, width=120, force_terminal=True, color_system="truecolor"),
    )
    assert "[red]b[/red]\N{REPLACEMENT CHARACTER}[31m" in out.getvalue()
    assert "\x1b[31m" not in out.getvalue()
