"""The options of `abkit analyze` are what is otherwise than planned."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from re import fullmatch
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis import BOTS, Exclusion
from abkit.cli.questions import (
    asked,
    design_options,
    event_options,
    instead,
    length,
    moment,
    pair,
)
from abkit.errors import OutsideFrameError

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)


def options(*arguments: str) -> dict[str, Any]:
    """What click makes of the arguments."""

    @click.command()
    @design_options
    @event_options
    def command(**_: Any) -> None: ...

    with command.make_context("command", [*arguments]) as context:
        given: dict[str, Any] = context.params
    return given


def test_what_is_not_said_is_left_to_the_analysis() -> None:
    found = asked(options(), now=NOW)
    assert (found.plan, found.run, found.sources) == ({}, {}, {})
    assert found.analysis_plan is None


def test_the_design_of_the_test() -> None:
    arguments = [
        *("--method", "group-sequential", "--confidence", "0.9", "--control", "a"),
        *("--correction", "holm", "--alternative", "one-sided", "--sample-size", "5000"),
        *(
            "--looks",
            "4",
            "--min-days",
            "7",
            "--spending",
            "pocock",
            "--tau",
            "a=b=0.5",
            "--tau",
            "clicks=2",
        ),
    ]
    found = asked(options(*arguments), now=NOW)
    assert found.run == {"control": "a"}
    assert found.plan == {
        "method": "group-sequential",
        "confidence": 0.9,
        "correction": "holm",
        "alternative": "one-sided",
        "sample_size": 5000,
        "looks": 4,
        "min_days": 7,
        "spending": "pocock",
        "taus": {"a=b": 0.5, "clicks": 2.0},
    }


def test_what_counts_of_the_events(tmp_path: Path) -> None:
    (tmp_path / "testers.txt").write_text("\ufeff7\n\n 42 \n", encoding="utf-8")
    arguments = [
        *("--several", "first", "--from", "2026-11-02", "--until", "2026-11-09T06:00+02:00"),
        *("--window", "7d", "--cuped", "14", "--over-time", "hour", "--no-novelty"),
        *("--segment", "plan", "--segment", "country"),
        *("--exclude", str(tmp_path / "testers.txt")),
        *("--exclude-where", "email=a@b.c", "--exclude-bots"),
    ]
    found = asked(options(*arguments), now=NOW)
    assert found.run == {
        "start": datetime(2026, 11, 2, tzinfo=UTC),
        "until": datetime(2026, 11, 9, 4, tzinfo=UTC),
    }
    assert found.plan == {
        "several": "first",
        "window": timedelta(days=7),
        "cuped": timedelta(days=14),
        "over_time": "hour",
        "novelty": False,
        "segments": ("plan", "country"),
        "exclude": (
            Exclusion(name="testers", units=("7", "42")),
            Exclusion(name="email = a@b.c", property="email", values=("a@b.c",)),
            BOTS,
        ),
    }


def test_a_period_ends_now() -> None:
    assert asked(options("--period", "2w"), now=NOW).run == {
        "start": datetime(2026, 11, 2, 12, tzinfo=UTC)
    }


def test_a_period_ends_where_it_is_said_to() -> None:
    until = datetime(2026, 3, 1, tzinfo=UTC)
    assert asked(options("--period", "7d", "--until", "2026-03-01"), now=NOW).run == {
        "start": until - timedelta(days=7),
        "until": until,
    }


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (["--period", "7d"], "--period 7d --until 2026-03-01"),
        (["--period", "2w"], "--period 14d --until 2026-03-01"),
        (["--period", "36h"], "--period 36h --until 2026-03-01"),
        (["--from", "2030-01-01"], "--from 2026-02-02 --until 2026-03-01"),
    ],
)
def test_for_a_frame_without_exposures_one_with_some_can_be_typed(
    said: list[str], answer: str
) -> None:
    first, last = datetime(2026, 2, 2, 9, tzinfo=UTC), datetime(2026, 2, 28, 23, tzinfo=UTC)
    error = OutsideFrameError("events", "has none", first=first, last=last)
    given = options(*said)
    assert instead(given, error) == answer
    asked(options(*answer.split()), now=NOW)


def test_a_period_and_a_beginning_do_not_go_together() -> None:
    with pytest.raises(click.UsageError, match="either --from or --period"):
        asked(options("--period", "2w", "--from", "2026-11-02"), now=NOW)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("7d", timedelta(days=7)),
        ("24h", timedelta(hours=24)),
        ("2w", timedelta(days=14)),
        ("14", timedelta(days=14)),
        ("0.5d", timedelta(hours=12)),
    ],
)
def test_lengths(text: str, span: timedelta) -> None:
    assert length(text) == span


@given(st.text().filter(lambda text: not fullmatch(r"\s*[\d.]+[hdw]?\s*", text)))
def test_whatever_else_is_no_length(text: str) -> None:
    with pytest.raises(click.BadParameter, match="7d, 24h or 2w"):
        length(text)


@pytest.mark.parametrize("text", ["0", "0.0d", "999999d", "-1d", "1.2.3"])
def test_no_time_and_too_much_are_no_lengths(text: str) -> None:
    with pytest.raises(click.BadParameter, match="7d, 24h or 2w"):
        length(text)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "1e9"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="ISO 8601"):
        moment(text)


@pytest.mark.parametrize("text", ["", "a", "=b", "a="])
def test_what_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="NAME=VALUE"):
        pair(text)


def test_a_tau_that_is_no_number_is_refused() -> None:
    with pytest.raises(click.UsageError, match="'x' is no number"):
        asked(options("--tau", "clicks=x"), now=NOW)


def test_a_list_of_units_must_be_there() -> None:
    with pytest.raises(click.UsageError, match="does not exist"):
        options("--exclude", "nowhere.txt")
