"""A guardrail's margin in the terminal, the report, the tables and the alerts."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve

from abkit import AnalysisPlan, Conversion
from abkit.analysis import SumsAnalysis
from abkit.analysis.findings.badges import Badge, Tone
from abkit.analysis.notifications.alerts import AlertKind, evaluate_alerts
from abkit.analysis.notifications.rules import Schedule
from abkit.analysis.presentation.alerts import alerts
from abkit.analysis.presentation.bars import interval_bars
from abkit.analysis.presentation.export import rows
from abkit.analysis.presentation.figures import NOTHING, margin, wanted
from abkit.analysis.presentation.report import render
from abkit.analysis.presentation.terminal import to_text
from abkit.analysis.presentation.tones import toned, word
from abkit.analysis.result import Result

ERRORS = Conversion("errors", direction="decrease", role="guardrail", margin=0.05)


def of(errors: int, *, guard: Conversion = ERRORS, **plan: Any) -> Result:
    """100,000 units in each arm; 20,000 of the control had an error."""
    return SumsAnalysis(
        "Checkout",
        sums={
            Conversion("bought"): {"a": 20_000, "b": 21_000},
            guard: {"a": 20_000, "b": errors},
        },
        units={"a": 100_000, "b": 100_000},
        control="a",
        plan=AnalysisPlan(method="welch", sample_size=200_000, **plan),
    ).run()


def in_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("errors", "said", "tone", "badge"),
    [
        (20_100, "within margin", Tone.GOOD, Badge.WITHIN_MARGIN),
        (20_500, "within margin", Tone.PLAIN, Badge.WITHIN_MARGIN),
        (20_800, "inconclusive", Tone.WAIT, Badge.MARGIN_NOT_RULED_OUT),
        (22_500, "beyond margin", Tone.BAD, Badge.BEYOND_MARGIN),
    ],
)
def test_a_margin_has_a_word_a_badge_and_a_reason(
    errors: int, said: str, tone: Tone, badge: Badge
) -> None:
    result = of(errors)
    found = result["errors"]
    (treatment,) = found.treatments
    assert word(treatment, found.metric, result) == said
    held = dict(toned(treatment, found.metric, result))
    assert held[Badge.SIGNIFICANT if errors > 20_100 else badge] is tone
    text, html = in_one_line(to_text(result)), in_one_line(render(result))
    for shown in (text, html):
        assert badge.value in shown
        assert said in shown
        assert "margin of 5% in the guardrail errors" in shown
        assert "should decrease, margin +5%" in shown
    assert ("Test of +5%: p " in text) is (badge is not Badge.BEYOND_MARGIN)
    assert '<line class="margin"' in html


def test_a_harmed_margin_is_said_first_and_a_worse_one_within_it_is_not() -> None:
    (alert,) = alerts(of(22_500))
    assert alert.text == (
        "errors, which should decrease, margin +5%, is worse than in a by more than its margin: b (+12.50%)."
    )
    assert alerts(of(20_500)) == ()


def test_the_numbers_are_in_the_json_and_in_the_rows() -> None:
    result = of(20_100)
    document = json.loads(json.dumps(result.to_dict()))
    found = document["metrics"][1]
    (treatment,) = found["treatments"]
    test = treatment["comparison"]["non_inferiority"]
    assert (found["margin"], test["margin"], test["within"], test["beyond"]) == (
        0.05,
        0.05,
        True,
        False,
    )
    assert test["bound"] == treatment["comparison"]["lift_interval"]["high"]
    assert test["best"] == treatment["comparison"]["lift_interval"]["low"]
    assert treatment["guardrail"]["state"] == "fine"
    assert document["metrics"][0]["treatments"][0]["guardrail"] is None
    row = rows(result)[3]
    assert (row["margin"], row["guardrail"], row["margin_bound"]) == (0.05, "fine", test["bound"])
    assert row["margin_p"] == test["p_value"]
    assert rows(result)[1]["guardrail"] is None


def test_a_guardrail_without_a_margin_has_a_state_too() -> None:
    result = of(22_500, guard=evolve(ERRORS, margin=None))
    row = rows(result)[3]
    assert (row["guardrail"], row["margin"], row["margin_p"]) == ("harmed", None, None)


def test_a_bayesian_margin_is_told_as_a_chance() -> None:
    plan = AnalysisPlan(method="bayesian")
    result = SumsAnalysis(
        "Checkout",
        sums={ERRORS: {"a": 20_000, "b": 20_500}},
        units={"a": 100_000, "b": 100_000},
        control="a",
        plan=plan,
    ).run()
    assert "The chance of more than +5% is" in in_one_line(to_text(result))


@pytest.mark.parametrize(("errors", "fires"), [(20_500, False), (20_800, False), (22_500, True)])
def test_a_notification_is_sent_of_what_is_worse_than_the_margin(
    errors: int, *, fires: bool
) -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    evaluation = evaluate_alerts(Schedule(name="Checkout"), of(errors), now=now)
    found = [alert for alert in evaluation.alerts if alert.kind is AlertKind.GUARDRAIL]
    assert bool(found) is fires
    for alert in found:
        assert alert.title == "Checkout: b is worse than the margin of +5% in the guardrail errors"
        assert alert.body.startswith(
            "b is worse than the margin of 5% in the guardrail errors: its"
        )


def test_the_margin_is_drawn_on_the_worse_side() -> None:
    (bars,) = interval_bars([of(20_100)["errors"]], width=200)
    assert bars["b"].margins[0] > bars["b"].zero
    fall = Conversion("errors", role="guardrail", margin=0.05)
    (bars,) = interval_bars([of(20_100, guard=fall)["errors"]], width=200)
    assert bars["b"].margins[0] < bars["b"].zero
    assert (margin(fall), wanted(fall)) == ("-5%", "should increase, margin -5%")
    assert margin(evolve(fall, margin=None)) == NOTHING
