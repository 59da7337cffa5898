"""The result as tables for a terminal."""

import re
import sys
from collections.abc import Callable
from io import StringIO
from math import inf, nan
from typing import Any

import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from abkit import Conversion
from abkit.analysis.advice.remaining import Remaining
from abkit.analysis.advice.verdict import Recommendation, RecommendedAction
from abkit.analysis.amounts import listed
from abkit.analysis.presentation.sentences import remaining
from abkit.analysis.presentation.terminal import show, to_text
from abkit.analysis.presentation.terminal.words import line, sparkline
from abkit.analysis.result import Result

Full = Callable[..., Result]
LONG = "a variant whose name is as long as names of variants ever become in practice"


def test_it_says_all_that_the_panel_says(full: Full) -> None:
    # How wide columns are is a matter of Rich's version.
    text = re.sub(" {2,}", "  ", to_text(full(("0", "1", "2")), width=140))
    for wanted in (
        "Showing plugins raises the click-through rate",
        "Recommendation: roll out 1",
        "2026-11-02 to 2026-11-15 (14 days); computed 2026-11-16 09:12 UTC",
        "abkit rollout ShowPluginsExperiment --variant 1",
        "integration link clicked  (conversion, decides; should increase, goal +5%)",
        "95% interval  p-value  corrected",
        "Intervals: 95%, corrected for 2 comparisons (each at 97.5%).",
        "+2.60 pp",
        "0 (control)  9,000  1,800  20.00%",
        "+2.35% to +24.85%  0.0026  0.0051",
        "1: Significant · Above Goal · Above Control",
        "2: Not Significant · Inconclusive",
        "the variance is 43.8% smaller, theta 0.71",
        "the values of 336 of 27,000 units were capped (1.24%)",
        "1 over 14 days: lift ",
        "needs 7 more conversions in variant 0 and 5 more conversions in variant 1",
        "from 2026-11-02 until 2026-11-16 UTC",
        "Units excluded on request: testers 41, bots 7",
        "27,111; the last day is not over",
        "The exposures grow evenly, day by day.",
        "plan: (none)",
        "Exposed without an assignment: 7",
        "Sample ratio as designed: 9,000 : 9,037 : 9,074 units (0 : 1 : 2)",
        "sequential test (mSPRT), valid at every look",
        "3 exposures have no unit",
    ):
        assert wanted in text


def test_a_line_says_that_the_effect_changes(full: Full, changed: Any) -> None:
    said = " ".join(full(("0", "1", "2")).to_text(width=200).split())
    assert "Trend integration link clicked, 1. The effect wears off: a lift of +13" in said
    assert "in the 7 days after that" in said
    assert said.count("Trend") == 1
    assert "Trend" not in changed["bare"](full()).to_text()


def test_nothing_is_left_to_be_waited_for_once_it_is_decided(full: Full) -> None:
    left = Remaining(days=6, units=7800, message="About 6 days.")
    decided = evolve(full(looks=0), remaining=left)
    assert "About 6 days." not in to_text(decided)
    result = evolve(decided, remaining=Remaining(days=None, units=None, message="No estimate."))
    waiting = Recommendation(action=RecommendedAction.CONTINUE, reasons=("Too few.",))
    assert "No estimate." not in to_text(result)
    assert "No estimate." in to_text(evolve(result, recommendation=waiting))


def test_what_is_missing_is_told_once_in_the_summary(full: Full) -> None:
    result = full(units=90, looks=2)
    missing = listed(result.deciding.treatments[0].missing)
    few = Recommendation(
        action=RecommendedAction.CONTINUE,
        reasons=(f"1 cannot be compared in integration link clicked yet: it needs {missing}.",),
    )
    message = f"No estimate: integration link clicked first needs {missing}."
    left = Remaining(days=None, units=None, message=message)
    result = evolve(result, recommendation=few, remaining=left)
    assert remaining(result) == ("No estimate before integration link clicked can be compared.")
    silent = evolve(few, reasons=("The experiment is too short.",))
    assert remaining(evolve(result, recommendation=silent)) == message


def test_flags_are_told_with_what_they_mean(full: Full) -> None:
    text = to_text(full(units=900), width=140)
    assert "! few units: fewer than 1,000 units in an arm" in text


def test_what_was_not_asked_for_is_not_mentioned(full: Full, changed: Any) -> None:
    text = to_text(changed["bare"](full()), width=140)
    absent = ("Exposures", "Segments", "Assignments", "over 14", "CUPED", "Winsorized", "corrected")
    for unwanted in (*absent, "abkit roll", "None", "excluded"):
        assert unwanted not in text


def test_chances_stand_where_p_values_would(full: Full, changed: Any) -> None:
    text = to_text(changed["bayesian"](full()), width=140)
    assert re.search(r"beats *\n.* control +best", text)
    assert re.search(r">99\.9% +93\.0%", text)
    assert "p-value" not in text.partition("Segments")[0]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
@pytest.mark.parametrize("treatment", ["b", LONG, "長" * 60])
def test_no_line_is_wider_than_the_terminal_but_a_command(
    full: Full, width: int, treatment: str
) -> None:
    """A command is pasted: a line break of ours within it would end it."""
    from rich.cells import cell_len

    lines = to_text(full(("a", treatment, "c")), width=width).splitlines()
    assert max(cell_len(line) for line in lines if "abkit roll" not in line) <= width
    (command,) = [line for line in lines if "abkit roll" in line]
    assert command.endswith(treatment if treatment != LONG else f"'{LONG}'") or "長" in command


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize("treatment", ["b", LONG])
def test_no_number_is_cut_and_what_is_not_shown_is_named(
    full: Full, width: int, treatment: str
) -> None:
    found = full(("a", treatment, "c"))
    numbers = {w for w in to_text(found, width=None).split() if any(c.isdigit() for c in w)}
    narrow = to_text(found, width=width)
    lost = numbers - {*narrow.split()}
    assert len(numbers) > 50
    assert not lost or f"Not shown at {width} columns: " in narrow
    assert not re.search(r"\d…|…\d", narrow)


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_no_name_is_broken_in_a_table(full: Full, width: int) -> None:
    result = full(("the control of them all", "the treatment of them all", "b"))
    tables = to_text(result, width=width).split("integration link clicked  (")[1]
    assert not re.search(r"^ *(\(control|control|all|\)|control\)) *$", tables, re.MULTILINE)
    if width > 40:
        assert re.search(r"^the \S.* \(control\) ", tables, re.MULTILINE)


def test_a_file_is_as_wide_as_it_needs_to_be(full: Full) -> None:
    lines = to_text(full(("a", LONG)), width=None).splitlines()
    assert any(line.startswith(f"{LONG}  ") for line in lines)
    assert not any("Not shown" in line or "…" in line for line in lines)
    assert "Showing plugins raises the click-through rate of integration links." in lines


@settings(max_examples=25)
@given(st.text(min_size=1).filter(lambda name: name.strip()))
def test_names_are_shown_not_obeyed(full: Full, name: str) -> None:
    """Neither rich's markup nor control characters reach the terminal."""
    from rich.console import Console

    hostile = f"[red]{name}[/red]\x1b[31m"
    out = StringIO()
    result = full(("a", hostile), metrics=(Conversion(hostile),), name=hostile, looks=3)
    show(result, Console(file=out, width=200, force_terminal=True, color_system="truecolor"))
    assert "[/red]\N{REPLACEMENT CHARACTER}[31m" in out.getvalue()
    assert "\x1b[31m" not in out.getvalue()
    out.getvalue().encode("utf-8")


def test_fifty_variants_are_all_in_the_table(full: Full) -> None:
    variants = tuple(f"v{i}" for i in range(50))
    text = to_text(full(variants, looks=3), width=120)
    assert all(f"{variant}: " in text for variant in variants[1:])


def test_nothing_compared_yet_says_what_is_missing(full: Full) -> None:
    text = to_text(full(units=0, looks=2), width=100)
    assert "needs 100 more units in variant 0" in text
    assert "Not Significant · Inconclusive" in text


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=200))
@example([5e-324])
def test_a_sparkline_is_short_and_of_blocks(values: list[float]) -> None:
    line = sparkline(values, among=(0.0,))
    assert len(line) <= 30
    assert set(line) <= set("▁▂▃▄▅▆▇█")


def test_a_sparkline_rises_with_its_values() -> None:
    assert sparkline([0.0, 1.0, nan, 7.0, inf]) == "▁▂█"
    assert sparkline([5.0, 5.0]) == "▄▄"
    assert sparkline([5.0, 5.0], among=(0.0,)) == "██"
    assert sparkline([]) == sparkline([nan]) == ""


def test_a_repl_shows_the_table(full: Full, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    shown = repr(full())
    assert "Recommendation: roll out 1" in shown
    assert max(map(len, shown.splitlines())) <= 90
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert repr(full()) == "<Result of ShowPluginsExperiment: roll out 1>"


def test_a_word_longer_than_a_line_loses_its_middle_and_is_not_folded() -> None:
    shown = StringIO()
    line(Console(width=40, file=shown), f"from /data/somebody/{'a-long-folder/' * 5}units.csv")
    first, second = shown.getvalue().splitlines()
    assert first.strip() == "from"
    assert (second[:15], second[-9:], len(second)) == ("/data/somebody/", "units.csv", 40)
