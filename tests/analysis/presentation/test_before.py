"""The check of the time before the exposure, as tables, alerts and JSON show it."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from abkit.analysis.findings.before import BeforeState
from abkit.analysis.presentation import figures
from abkit.analysis.presentation.alerts import alerts
from abkit.analysis.presentation.before import before_table
from abkit.analysis.presentation.report import render
from abkit.analysis.result import Result

Full = Callable[..., Result]


def differing(result: Result) -> Result:
    first, *others = result.before
    differs = evolve(first, state=BeforeState.DIFFERS, p_value=0.0003)
    return evolve(result, before=(differs, *others))


def test_every_metric_and_variant_has_a_row(full: Full) -> None:
    table = before_table(full(("0", "1", "2")))
    assert table is not None
    assert [(row.metric, row.variant, row.state) for row in table.rows] == [
        ("revenue", "1", "alike"),
        ("revenue", "2", "alike"),
    ]
    assert (table.state, table.tone.value, table.level) == ("alike", "good", "99%")
    assert table.note == (
        "A test that holds at every look, corrected for 2 comparisons; that the units differed is "
        "reported at p = 0.01 or below."
    )


def test_what_differs_is_said_first(full: Full) -> None:
    result = differing(full())
    (alert,) = [each for each in alerts(result) if each.title == "Variants not alike"]
    assert alert.text.startswith(
        "Before their exposure, units differed from those of 0 already: 1 in revenue, by +1.0400 "
        "(p = 0.0003)."
    )
    table = before_table(result)
    assert table is not None
    assert (table.state, table.tone.value) == ("differs", "bad")
    assert not [each for each in alerts(full()) if each.title == "Variants not alike"]


def test_what_is_not_known_yet_says_what_it_needs(full: Full) -> None:
    table = before_table(full(units=60))
    assert table is not None
    assert (table.state, table.tone.value) == ("unknown", "wait")
    assert table.rows[0].p_value == figures.NOTHING
    assert table.rows[0].missing.startswith("needs 40 more units in variant 0")


@pytest.mark.parametrize("change", ["bare", "full"])
def test_the_terminal_and_the_report_have_it_where_there_is_a_past(
    full: Full, changed: Any, change: str
) -> None:
    result = changed.get(change, lambda r: r)(full())
    for text in (result.to_text(width=None), render(result)):
        assert ("Before the exposure" in text) is (change == "full")


def test_a_document_has_it(full: Full) -> None:
    document: Any = full().to_dict()
    (found,) = document["before"]
    assert (found["metric"], found["variant"], found["state"]) == ("revenue", "1", "alike")
    assert found["difference"] == pytest.approx(found["mean"] - found["control_mean"])
    document = full(units=60).to_dict()
    (waits,) = document["before"]
    assert waits["difference"] is None
    assert waits["missing"]
