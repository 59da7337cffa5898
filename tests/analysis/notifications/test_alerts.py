"""What holds of an experiment, and what is said of it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from abkit.analysis.findings.before import BeforeExposure, BeforeState
from abkit.analysis.findings.metric_result import Flag
from abkit.analysis.notifications.alerts import DATED, Alert, AlertKind, Evaluation, evaluate_alerts
from abkit.analysis.notifications.rules import AlertRules, Schedule
from abkit.errors import AnalysisError
from abkit.experiments.declaring.experiment import UserExperiment
from abkit.experiments.declaring.metrics import Conversion, Direction

from .results import BETTER, CLICK, CRASH, FIRST, NOTHING, ROLL_BACK, ROLL_OUT, WORSE, result_of

DAY = timedelta(days=1)
PLAIN = Schedule(name="Exp")
LATER = FIRST + 5 * DAY


def kinds(evaluation: Evaluation) -> list[str]:
    return [alert.kind.value for alert in evaluation.alerts]


def only(alerts: Iterable[Alert], kind: AlertKind) -> Alert:
    (alert,) = (c for c in alerts if c.kind is kind)
    return alert


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (-2.01, []),
        (-2, ["about to start"]),
        (-0.01, ["about to start"]),
        (0, ["started"]),
        (1.99, ["started"]),
        (2, []),
        (13.99, []),
        (14, ["end reached"]),
        (400, ["end reached"]),
    ],
)
def test_the_dates_say_when_it_starts_and_ends(days: float, expected: list[str]) -> None:
    schedule = Schedule(name="Exp", starts=FIRST, ends=FIRST + 14 * DAY)
    assert kinds(evaluate_alerts(schedule, None, now=FIRST + days * DAY)) == expected


def test_a_schedule_is_that_of_the_declaration() -> None:
    class Dated(UserExperiment):
        variants = ["a", "b"]
        starts = "2026-03-02"
        ends = "2026-03-16T12:00+02:00"

    schedule = Schedule.of(Dated.declaration)
    assert schedule.starts == FIRST
    assert schedule.ends == FIRST + 14 * DAY + timedelta(hours=10)


def test_a_schedule_may_be_without_dates() -> None:
    class Undated(UserExperiment):
        variants = ["a", "b"]

    assert Schedule.of(Undated.declaration) == Schedule(name="Undated")


def test_without_a_result_only_the_dates_are_judged() -> None:
    assert evaluate_alerts(PLAIN, None, now=LATER).evaluated == DATED
    assert evaluate_alerts(PLAIN, result_of({CLICK: NOTHING}), now=LATER).evaluated == frozenset(
        AlertKind
    )


def test_a_difference_that_may_be_chance_is_nothing_to_tell() -> None:
    assert kinds(evaluate_alerts(PLAIN, result_of({CLICK: NOTHING}), now=LATER)) == []


def test_significance_has_direction_numbers_and_commands() -> None:
    result = result_of({CLICK: BETTER}, advice=ROLL_OUT)
    (told,) = evaluate_alerts(PLAIN, result, now=LATER).alerts
    assert told.title == "Exp: b is significantly better in click"
    assert told.key == ("significance", "click", "b", "up")
    assert "+40.00% against the control (95% interval +" in told.body
    assert "p < 0.0001" in told.body
    assert "a: 10.00% of 4,000 units, b: 14.00% of 4,000 units" in told.body
    assert "Recommendation: roll out b.\nb won." in told.body
    assert "abkit rollout Exp --variant b" in told.body
    assert told.body.endswith("See more: abkit analyze Exp")


def test_the_command_that_shows_more_can_be_given() -> None:
    evaluation = evaluate_alerts(
        PLAIN, result_of({CLICK: BETTER}), now=LATER, analyze="abkit analyze Exp --events d"
    )
    assert evaluation.alerts[0].body.endswith("See more: abkit analyze Exp --events d")


def test_significantly_worse_says_how_to_roll_back() -> None:
    result = result_of({CLICK: WORSE}, advice=ROLL_BACK)
    (told,) = evaluate_alerts(PLAIN, result, now=LATER).alerts
    assert told.title == "Exp: b is significantly worse in click"
    assert told.key[-1] == "down"
    assert "abkit rollback Exp" in told.body


def test_a_metric_that_should_fall_is_better_when_it_falls() -> None:
    falling = evolve(CLICK, direction=Direction.DECREASE)
    (told,) = evaluate_alerts(PLAIN, result_of({falling: WORSE}), now=LATER).alerts
    assert "b is significantly better in click" in told.title


def test_a_metric_of_any_direction_is_higher_or_lower() -> None:
    either = evolve(CLICK, direction=Direction.ANY)
    (higher,) = evaluate_alerts(PLAIN, result_of({either: BETTER}), now=LATER).alerts
    (lower,) = evaluate_alerts(PLAIN, result_of({either: WORSE}), now=LATER).alerts
    assert "b is significantly higher in click" in higher.title
    assert "b is significantly lower in click" in lower.title


def test_each_variant_is_told_of() -> None:
    numbers = {**BETTER, "c": (4000, 600)}
    told = evaluate_alerts(PLAIN, result_of({CLICK: numbers}), now=LATER).alerts
    assert [alert.about for alert in told] == [("click", "b", "up"), ("click", "c", "up")]


def test_what_makes_a_difference_doubtful_is_told_with_it() -> None:
    few = {"a": (400, 40), "b": (400, 160)}
    result = result_of({CLICK: few})
    (found,) = result.metrics
    doubtful = evolve(found.treatments[0], flags=(Flag.SUSPICIOUS_LIFT,))
    result = evolve(result, metrics=(evolve(found, treatments=(doubtful,)),))
    (told,) = evaluate_alerts(PLAIN, result, now=LATER).alerts
    assert "Doubtful, suspicious lift: " in told.body


def test_significance_of_a_secondary_metric_is_not_told() -> None:
    secondary = Conversion("other", role="secondary")
    evaluation = evaluate_alerts(PLAIN, result_of({CLICK: NOTHING, secondary: BETTER}), now=LATER)
    assert kinds(evaluation) == []


@pytest.mark.parametrize(
    ("direction", "numbers", "violated"),
    [
        ("decrease", BETTER, True),
        ("decrease", WORSE, False),
        ("increase", WORSE, True),
        ("increase", BETTER, False),
        ("any", WORSE, True),
        ("any", NOTHING, False),
    ],
)
def test_a_guardrail_is_violated_by_what_hurts_it(
    direction: str, numbers: dict[str, tuple[int, int]], violated: bool
) -> None:
    crash = Conversion("crash", direction=direction, role="guardrail")
    evaluation = evaluate_alerts(PLAIN, result_of({CLICK: NOTHING, crash: numbers}), now=LATER)
    assert kinds(evaluation) == (["guardrail violated"] if violated else [])


def test_a_violated_guardrail_says_which_and_how_to_stop() -> None:
    result = result_of({CLICK: BETTER, CRASH: BETTER}, advice=ROLL_BACK)
    told = evaluate_alerts(PLAIN, result, now=LATER).alerts
    violated = only(told, AlertKind.GUARDRAIL)
    assert violated.title == "Exp: b is significantly worse in the guardrail crash"
    assert "abkit rollback Exp" in violated.body


def test_a_sample_ratio_mismatch_has_the_sizes() -> None:
    numbers = {"a": (4000, 400), "b": (5000, 500)}
    (told,) = evaluate_alerts(PLAIN, result_of({CLICK: numbers}), now=LATER).alerts
    assert told.kind is AlertKind.SAMPLE_RATIO
    assert "b: 5,000 units, 4,500 expected" in told.body
    assert "find the cause" in told.body
    weights = {"a": 4, "b": 5}
    assert (
        kinds(evaluate_alerts(PLAIN, result_of({CLICK: numbers}, weights=weights), now=LATER)) == []
    )


def test_units_that_were_not_alike_before_have_their_means() -> None:
    result = result_of({CLICK: NOTHING})
    (treatment,) = result.metrics[0].treatments
    differs = BeforeExposure(
        metric=CLICK,
        variant="b",
        comparison=treatment.comparison,
        p_value=0.0002,
        state=BeforeState.DIFFERS,
    )
    (told,) = evaluate_alerts(PLAIN, evolve(result, before=(differs,)), now=LATER).alerts
    assert told.kind is AlertKind.NOT_ALIKE
    assert told.title == "Exp: units differed before their exposure"
    assert "click: 0.1010 in b, 0.1000 in the control (p = 0.0002)" in told.body
    alike = evolve(differs, state=BeforeState.ALIKE)
    assert not evaluate_alerts(PLAIN, evolve(result, before=(alike,)), now=LATER).alerts


def test_nothing_is_told_of_numbers_before_the_minimum_of_days() -> None:
    result = result_of({CLICK: {"a": (4000, 400), "b": (5000, 800)}, CRASH: BETTER})
    assert kinds(evaluate_alerts(PLAIN, result, now=FIRST + 0.99 * DAY)) == []
    assert len(kinds(evaluate_alerts(PLAIN, result, now=FIRST + DAY))) == 3
    rules = AlertRules(minimum_days=7)
    assert kinds(evaluate_alerts(PLAIN, result, now=FIRST + 6 * DAY, rules=rules)) == []
    assert len(kinds(evaluate_alerts(PLAIN, result, now=FIRST + 7 * DAY, rules=rules))) == 3


def test_nothing_is_told_of_numbers_below_the_minimum_of_units() -> None:
    result = result_of({CLICK: {"a": (4000, 400), "b": (5000, 800)}})
    at, above = (AlertRules(minimum_units=units) for units in (9000, 9001))
    assert len(kinds(evaluate_alerts(PLAIN, result, now=LATER, rules=at))) == 2
    assert kinds(evaluate_alerts(PLAIN, result, now=LATER, rules=above)) == []


def test_without_days_in_the_result_the_declared_start_counts() -> None:
    result = result_of({CLICK: BETTER}, first=None)
    assert kinds(evaluate_alerts(PLAIN, result, now=LATER)) == ["significance"]
    young = Schedule(name="Exp", starts=LATER - 0.5 * DAY)
    assert kinds(evaluate_alerts(young, result, now=LATER)) == ["started"]


@pytest.mark.parametrize(("days", "expected"), [(27.9, []), (28, ["long-running"])])
def test_without_an_end_it_is_long_running_after_four_weeks(
    days: float, expected: list[str]
) -> None:
    evaluation = evaluate_alerts(PLAIN, result_of({CLICK: NOTHING}), now=FIRST + days * DAY)
    assert kinds(evaluation) == expected


def test_with_an_end_it_is_long_running_when_that_is_a_week_ago() -> None:
    schedule = Schedule(name="Exp", ends=FIRST + 60 * DAY)
    result = result_of({CLICK: NOTHING})
    assert kinds(evaluate_alerts(schedule, result, now=FIRST + 59 * DAY)) == []
    assert kinds(evaluate_alerts(schedule, result, now=FIRST + 66 * DAY)) == ["end reached"]
    told = evaluate_alerts(schedule, result, now=FIRST + 67 * DAY).alerts
    overdue = only(told, AlertKind.LONG_RUNNING)
    assert "7 days ago, and it is not concluded" in overdue.body
    assert "Recommendation: continue." in overdue.body


def test_another_end_is_another_condition() -> None:
    keys = {
        evaluate_alerts(Schedule(name="Exp", ends=end), None, now=LATER + DAY).alerts[0].key
        for end in (FIRST, LATER)
    }
    assert len(keys) == 2


def test_the_end_comes_with_the_verdict() -> None:
    schedule = Schedule(name="Exp", ends=LATER)
    result = result_of({CLICK: BETTER}, advice=ROLL_OUT)
    ended = evaluate_alerts(schedule, result, now=LATER).alerts[0]
    assert "Its declared end was 2026-03-07 00:00 UTC." in ended.body
    assert "abkit rollout Exp --variant b" in ended.body


def test_a_time_without_a_zone_is_utc() -> None:
    schedule = Schedule(name="Exp", ends=LATER)
    naive = datetime(2026, 3, 7)  # noqa: DTZ001 - that is the point
    assert kinds(evaluate_alerts(schedule, None, now=naive)) == ["end reached"]
    assert kinds(evaluate_alerts(schedule, None, now=naive - timedelta(seconds=1))) == []


def test_names_cannot_begin_a_line_or_turn_the_text() -> None:
    evil = Conversion("click\r\nSubject: x\u202e")
    result = result_of({evil: {"a": (4000, 400), "b\nBcc: y": (4000, 560)}})
    (told,) = evaluate_alerts(Schedule(name="E\n`rm`"), result, now=LATER).alerts
    assert len(told.title.splitlines()) == 1
    assert all(not line.startswith(("Subject", "Bcc")) for line in told.body.splitlines())
    assert "\u202e" not in told.title + told.body


def test_a_name_is_one_word_of_the_command() -> None:
    schedule = Schedule(name="a; rm -rf x", ends=FIRST)
    (told,) = evaluate_alerts(schedule, None, now=LATER).alerts
    assert "abkit analyze 'a; rm -rf x'" in told.body


@pytest.mark.parametrize("name", ["around_start", "long_running", "overdue", "minimum_days"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 36_501.0])
def test_a_rule_is_a_number_of_days(name: str, value: float) -> None:
    wanted = f"{name} must be a number of days from 0 to 36,500, not {value}"
    with pytest.raises(AnalysisError, match=wanted):
        AlertRules(**{name: value})  # type: ignore[arg-type]
