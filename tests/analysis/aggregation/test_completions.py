"""Funnels: one completion after the other, whatever repeats and whatever shares a moment."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit.experiments.declaring.metrics import Funnel

from . import oracle
from .oracle import Did, Seen
from .test_measures import DAY_LENGTH, gather

STEPS = ["aa", "aaa", "ab", "aba", "abb", "abc", "abcab"]

FUNNELS = tuple(
    Funnel(f"{steps} {counting} {within}", steps=list(steps), counting=counting, within=within)
    for steps in STEPS
    for counting in ("unique", "total")
    for within in (None, timedelta(seconds=2))
)


def completions(
    logs: Sequence[Sequence[Did]], *funnels: Funnel, length: int | None = None
) -> list[list[float]]:
    """Of each log, done by a unit in a variant of its own, per funnel."""
    exposures = [Seen(f"u{number}", f"v{number}", 0) for number in range(len(logs))]
    actions = [Did(f"u{i}", did.action, did.time) for i, done in enumerate(logs) for did in done]
    found = gather(exposures, actions, metrics=funnels, length=length)
    places = range(len(funnels))
    return [[found.sums[f"v{i}"].mean(place) for place in places] for i in range(len(logs))]


def log(actions: str, times: Sequence[int] | None = None) -> list[Did]:
    when = times or range(1, len(actions) + 1)
    return [Did("u1", action, time) for action, time in zip(actions, when, strict=True)]


logs = st.lists(st.tuples(st.sampled_from("aaabbc"), st.integers(0, 7)), max_size=11).map(
    lambda told: [Did("u1", action, time) for action, time in told]
)


@settings(max_examples=5, deadline=None)
@given(
    st.lists(logs, min_size=20, max_size=20),
    st.lists(st.sampled_from(FUNNELS), min_size=7, max_size=7, unique=True),
    st.sampled_from([None, DAY_LENGTH]),
)
def test_completions_are_those_that_trying_every_way_finds(
    done: list[list[Did]], funnels: list[Funnel], length: int | None
) -> None:
    found = completions(done, *funnels, length=length)
    assert found == [[oracle.value(funnel, actions) for funnel in funnels] for actions in done]


@settings(max_examples=3, deadline=None)
@given(st.lists(st.text("ab", max_size=120), min_size=10, max_size=10))
def test_long_logs_are_counted_as_by_going_through_them_once(told: list[str]) -> None:
    metrics = [f for f in FUNNELS if f.counting == "total" and f.within is None]
    expected = [[float(gone_through(metric, actions)) for metric in metrics] for actions in told]
    assert completions([log(actions) for actions in told], *metrics) == expected


def gone_through(metric: Funnel, actions: str) -> int:
    done = 0
    for action in actions:
        done += action == metric.steps[done % len(metric.steps)]
    return done // len(metric.steps)


@pytest.mark.parametrize(
    ("steps", "actions", "expected"),
    [
        ("pp", "pppppp", 3),
        ("ppp", "pppppp", 2),
        ("pp", "p" * 1_001, 500),
        ("aba", "ababa", 1),
        ("aba", "abaaba", 2),
        ("ab", "aabb", 1),
        ("abc", "abacbc", 1),
        ("ab", "ba", 0),
    ],
)
def test_the_next_completion_begins_after_the_last_one(
    steps: str, actions: str, expected: int
) -> None:
    metric = Funnel("completions", steps=list(steps), counting="total")
    assert completions([log(actions)], metric) == [[expected]]


@pytest.mark.parametrize("actions", ["abc", "cba", "bca"])
def test_steps_of_one_moment_are_taken_in_their_order(actions: str) -> None:
    metric = Funnel("bought", steps=["a", "b", "c"], within=timedelta(seconds=1))
    done = [log(actions, [5, 5, 5]), log(actions + "a", [5, 5, 5, 1])]
    assert completions(done, metric) == [[1.0], [1.0]]


def test_one_action_is_not_two_steps_of_one_moment() -> None:
    twice = Funnel("twice", steps=["a", "a"])
    assert completions([log("a", [5]), log("aa", [5, 5])], twice) == [[0.0], [1.0]]


def test_whole_seconds_lose_no_conversion() -> None:
    """Ten of ten bought, five of them within a second of their look."""
    metric = Funnel("bought", steps=["look", "buy"])
    exposures = [Seen(f"u{i}", "a", 0) for i in range(10)] + [Seen("u10", "b", 0)]
    actions = [Did(f"u{i}", "look", 5) for i in range(10)]
    actions += [Did(f"u{i}", "buy", 5 + i % 2) for i in range(10)]
    found = gather(exposures, actions, metrics=(metric,))
    assert found.sums["a"].mean(0) == 1.0
