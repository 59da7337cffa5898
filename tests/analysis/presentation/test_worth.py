"""What a change is worth, as tables, sentences, JSON and rows show it."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from abkit.analysis.advice.verdict import Recommendation, RecommendedAction
from abkit.analysis.advice.worth import Choice
from abkit.analysis.findings.badges import Tone
from abkit.analysis.inference.comparison import Interval
from abkit.analysis.presentation.export import rows
from abkit.analysis.presentation.report import render
from abkit.analysis.presentation.worth import loss, worth_sentence, worth_table
from abkit.analysis.result import Result

Full = Callable[..., Result]


def test_every_choice_has_a_row_and_the_least_risk_stands_out(full: Full) -> None:
    table = worth_table(full(("0", "1", "2")))
    assert table is not None
    assert [(row.variant, row.is_control) for row in table.rows] == [
        ("0", True),
        ("1", False),
        ("2", False),
    ]
    assert [row.tone.value for row in table.rows] == ["plain", "good", "plain"]
    assert table.rows[1].measured == "+13.00%"
    assert table.rows[1].per_day == "+33.4"


def test_the_notes_say_of_which_days_and_of_which_prior(full: Full) -> None:
    table = worth_table(full())
    assert table is not None
    shrunk, daily, risk, unreadable = table.notes
    assert shrunk == (
        "Shrunk: the lift to be expected if such lifts are 0 on average, with a standard deviation of "
        "5.0% (the goal, as fewer than 5 past results are known)."
    )
    assert daily == (
        "A day: as measured, if all 1,284 units a day that the experiment reaches got the variant, instead "
        "of the control (the mean of 7 days, 2026-11-02 to 2026-11-08)."
    )
    assert risk == (
        "Risk: the lift that the choice loses on average, where another one is better. Guardrails are no "
        "part of it."
    )
    assert unreadable == ("1 file in the folder of past results cannot be read and does not count.")


def test_what_is_rolled_out_is_worth_a_sentence(full: Full) -> None:
    result = full()
    assert worth_sentence(result) == (
        "The lift to be expected of 1 is +9.15%; +13.00% was measured. If all 1,284 units a day got it, "
        "that is +23.5 a day in integration link clicked."
    )
    waits = Recommendation(action=RecommendedAction.CONTINUE, reasons=("Wait.",))
    assert worth_sentence(evolve(result, recommendation=waits)) is None


@pytest.mark.parametrize("change", ["bare", "full"])
def test_the_terminal_and_the_report_show_it_where_it_is_known(
    full: Full, changed: Any, change: str
) -> None:
    result = changed.get(change, lambda r: r)(full())
    for text in (result.to_text(width=None), render(result)):
        assert ("What it is worth" in text) is (change == "full")
        assert ("lift to be expected" in text) is (change == "full")


def test_a_document_and_rows_have_it(full: Full, changed: Any) -> None:
    document: Any = full().to_dict()["worth"]
    assert document["prior"]["source"] == "goal"
    assert document["daily"]["first"] == "2026-11-02"
    assert [choice["variant"] for choice in document["choices"]] == ["0", "1"]
    first, second, third, *_ = rows(full())
    assert first["shrunk_lift"] is None
    assert first["expected_loss"] == document["choices"][0]["expected_loss"]
    assert second["per_day_low"] == document["choices"][1]["per_day_interval"]["low"]
    assert third["expected_loss"] is None  # another metric
    assert changed["bare"](full()).to_dict()["worth"] is None


def test_numbers_of_any_size_are_written(full: Full) -> None:
    result = full()
    assert result.worth is not None
    huge = Choice(
        variant="1",
        lift=3e5,
        shrunk_lift=-0.0,
        shrunk_interval=Interval(-1e6, 1e6),
        per_day=-1e18,
        per_day_interval=Interval(float("-inf"), float("inf")),
        expected_loss=1e-9,
    )
    table = worth_table(evolve(result, worth=evolve(result.worth, choices=(huge,))))
    assert table is not None
    (row,) = table.rows
    assert (row.per_day, row.per_day_interval) == ("-1.000e+18", "-∞ to +∞")
    assert (row.shrunk, row.risk) == ("0.00%", "<0.01%")
    assert loss(0.012) == "1.20%"


def test_the_least_loss_is_good_news_only_of_what_is_recommended(full: Full) -> None:
    rolled_out = worth_table(full())
    doubted = worth_table(
        evolve(
            full(),
            recommendation=Recommendation(
                action=RecommendedAction.INVESTIGATE, reasons=("There is a doubt.",)
            ),
        )
    )
    assert rolled_out is not None
    assert doubted is not None
    assert [row.tone for row in rolled_out.rows].count(Tone.GOOD) == 1
    assert {row.tone for row in doubted.rows} == {Tone.PLAIN}
