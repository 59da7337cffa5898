"""Each condition is told once per onset: the truth table, and any sequence of looks."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.notifications.alert_state import Onset, State, advance, mark, untold
from abkit.analysis.notifications.alerts import DATED, Kind
from abkit.analysis.notifications.records import from_records, to_records
from abkit.errors import ConfigError

from .results import FIRST, condition, observed

B, C = condition("click", "b"), condition("click", "c")
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
    before = {B.key: Onset(since=EARLIER)} if held_before else {}
    looked = observed(*([B] if holds else []), judged=frozenset(Kind) if judged else DATED)
    after = advance(before, looked, now=FIRST)
    assert (after[B.key].since if after else None) == since


def test_who_was_told_is_told_no_more_and_the_others_are() -> None:
    state = advance({}, observed(B, C), now=FIRST)
    state = mark(state, B.key, "mail")
    assert untold(state, observed(B, C), ["mail", "chat"]) == [
        (B, "chat"),
        (C, "mail"),
        (C, "chat"),
    ]


def test_keys_that_only_look_alike_when_joined_are_different() -> None:
    joined, apart = condition("click-b"), condition("click", "b")
    state = mark(advance({}, observed(joined, apart), now=FIRST), joined.key, "mail")
    assert untold(state, observed(joined, apart), ["mail"]) == [(apart, "mail")]


@given(
    st.lists(st.frozensets(st.sampled_from("abc"))),
    st.lists(st.booleans(), min_size=1),
)
def test_there_are_as_many_notifications_as_rising_edges(
    looks: list[frozenset[str]], reachable: list[bool]
) -> None:
    """A destination that is always up hears each onset once, however often another one is down."""
    state: State = {}
    told: list[str] = []
    edges: list[str] = []
    last: frozenset[str] = frozenset()
    for number, holding in enumerate(looks):
        edges += sorted(holding - last)
        last = holding
        looked = observed(*(condition(about) for about in sorted(holding)))
        state = advance(state, looked, now=FIRST)
        for pending, name in untold(state, looked, ["up", "flaky"]):
            if name == "up":
                told += pending.about
            if name == "up" or reachable[number % len(reachable)]:
                state = mark(state, pending.key, name)
    assert told == edges


@given(st.lists(st.booleans()), st.lists(st.booleans(), min_size=1))
def test_an_onset_is_heard_at_the_first_look_at_which_the_destination_is_up(
    holds: list[bool], up: list[bool]
) -> None:
    state: State = {}
    heard = False
    for number, holding in enumerate(holds):
        looked = observed(*([B] if holding else []))
        state = advance(state, looked, now=FIRST)
        pending = untold(state, looked, ["chat"])
        heard = heard and holding
        assert bool(pending) is (holding and not heard)
        if pending and up[number % len(up)]:
            state = mark(state, B.key, "chat")
            heard = True


texts = st.text(max_size=8)


@given(
    st.dictionaries(
        st.lists(texts, min_size=1, max_size=4).map(tuple),
        st.builds(
            Onset,
            since=st.datetimes().map(lambda t: t.replace(tzinfo=FIRST.tzinfo)),
            told=st.frozensets(texts),
        ),
    )
)
def test_a_state_survives_being_written_and_read(state: State) -> None:
    assert from_records(to_records(state), where="here") == state


@pytest.mark.parametrize(
    "records",
    [
        {},
        None,
        "x",
        [1],
        [{}],
        [{"condition": "significance", "since": "2026-03-02", "told": []}],
        [{"condition": [], "since": "2026-03-02", "told": []}],
        [{"condition": ["a"], "since": "then", "told": []}],
        [{"condition": ["a"], "since": 5, "told": []}],
        [{"condition": ["a"], "since": "2026-03-02", "told": "chat"}],
        [{"condition": ["a", 1], "since": "2026-03-02", "told": []}],
    ],
)
def test_other_content_is_refused_with_what_to_do(records: object) -> None:
    with pytest.raises(ConfigError, match=r"^here is not a state of notifications\. .* move it"):
        from_records(records, where="here")
