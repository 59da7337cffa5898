"""Each alert is told once per firing: the truth table, and any sequence of looks."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.notifications.alert_state import (
    AlertState,
    FiringAlert,
    mark_notified,
    next_state,
    pending_notifications,
)
from abkit.analysis.notifications.alerts import DATED, AlertKind
from abkit.analysis.notifications.records import from_records, to_records
from abkit.errors import ConfigError

from .results import FIRST, alert, evaluation

B, C = alert("click", "b"), alert("click", "c")
EARLIER = FIRST - timedelta(days=1)


@pytest.mark.parametrize(
    ("held_before", "holds", "judged", "since"),
    [
        (False, False, True, None),
        (False, True, True, FIRST),
        (True, True, True, EARLIER),
        (True, False, True, None),
        (False, False, False, None),
        (True, False, False, EARLIER),
    ],
)
def test_an_onset_begins_lasts_and_ends(
    held_before: bool, holds: bool, judged: bool, since: object
) -> None:
    """What is not judged stays as it was."""
    before = {B.key: FiringAlert(since=EARLIER)} if held_before else {}
    looked = evaluation(
        *([B] if holds else []), evaluated=frozenset(AlertKind) if judged else DATED
    )
    after = next_state(before, looked, now=FIRST)
    assert (after[B.key].since if after else None) == since


def test_who_was_told_is_told_no_more_and_the_others_are() -> None:
    state = next_state({}, evaluation(B, C), now=FIRST)
    state = mark_notified(state, B.key, "mail")
    assert pending_notifications(state, evaluation(B, C), ["mail", "chat"]) == [
        (B, "chat"),
        (C, "mail"),
        (C, "chat"),
    ]


def test_keys_that_only_look_alike_when_joined_are_different() -> None:
    joined, apart = alert("click-b"), alert("click", "b")
    state = mark_notified(next_state({}, evaluation(joined, apart), now=FIRST), joined.key, "mail")
    assert pending_notifications(state, evaluation(joined, apart), ["mail"]) == [(apart, "mail")]


@given(
    st.lists(st.frozensets(st.sampled_from("abc"))),
    st.lists(st.booleans(), min_size=1),
)
def test_there_are_as_many_notifications_as_rising_edges(
    looks: list[frozenset[str]], reachable: list[bool]
) -> None:
    """A destination that is always up hears each firing once, however often another one is down."""
    state: AlertState = {}
    told: list[str] = []
    edges: list[str] = []
    last: frozenset[str] = frozenset()
    for number, holding in enumerate(looks):
        edges += sorted(holding - last)
        last = holding
        looked = evaluation(*(alert(about) for about in sorted(holding)))
        state = next_state(state, looked, now=FIRST)
        for pending, name in pending_notifications(state, looked, ["up", "flaky"]):
            if name == "up":
                told += pending.about
            if name == "up" or reachable[number % len(reachable)]:
                state = mark_notified(state, pending.key, name)
    assert told == edges


@given(st.lists(st.booleans()), st.lists(st.booleans(), min_size=1))
def test_an_onset_is_heard_at_the_first_look_at_which_the_destination_is_up(
    holds: list[bool], up: list[bool]
) -> None:
    state: AlertState = {}
    heard = False
    for number, holding in enumerate(holds):
        looked = evaluation(*([B] if holding else []))
        state = next_state(state, looked, now=FIRST)
        pending = pending_notifications(state, looked, ["chat"])
        heard = heard and holding
        assert bool(pending) is (holding and not heard)
        if pending and up[number % len(up)]:
            state = mark_notified(state, B.key, "chat")
            heard = True


texts = st.text(max_size=8)


@given(
    st.dictionaries(
        st.lists(texts, min_size=1, max_size=4).map(tuple),
        st.builds(
            FiringAlert,
            since=st.datetimes().map(lambda t: t.replace(tzinfo=FIRST.tzinfo)),
            notified=st.frozensets(texts),
        ),
    )
)
def test_a_state_survives_being_written_and_read(state: AlertState) -> None:
    assert from_records(to_records(state), where="here") == state


@pytest.mark.parametrize(
    "records",
    [
        {},
        None,
        "x",
        [1],
        [{}],
        [{"alert": "significance", "since": "2026-03-02", "told": []}],
        [{"alert": [], "since": "2026-03-02", "told": []}],
        [{"alert": ["a"], "since": "then", "told": []}],
        [{"alert": ["a"], "since": 5, "told": []}],
        [{"alert": ["a"], "since": "2026-03-02", "told": "chat"}],
        [{"alert": ["a", 1], "since": "2026-03-02", "told": []}],
    ],
)
def test_other_content_is_refused_with_what_to_do(records: object) -> None:
    with pytest.raises(ConfigError, match=r"^here is not a state of notifications\. .* move it"):
        from_records(records, where="here")
