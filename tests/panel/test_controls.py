"""What a link says of how a result is looked at."""

from datetime import date
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.experiments.declaring.analysis_words import Method
from abkit.panel.controls import Controls, first_day

NAMES = st.text(min_size=1, max_size=20).map(str.strip).filter(bool)
DATES = st.dates(date(2020, 1, 1), date(2030, 1, 1))


@st.composite
def controls(draw: st.DrawFn) -> Controls:
    since, until = sorted([draw(DATES), draw(DATES)])
    frame = draw(st.sampled_from(["all", "days", "since", "until", "both"]))
    by = draw(st.none() | NAMES)
    return Controls(
        control=draw(st.none() | NAMES),
        variant=draw(st.none() | NAMES),
        method=draw(st.none() | st.sampled_from(Method)),
        confidence=draw(st.none() | st.sampled_from([0.8, 0.9, 0.95, 0.999])),
        days=draw(st.integers(1, 400)) if frame == "days" else None,
        since=since if frame in {"since", "both"} else None,
        until=until if frame in {"until", "both"} else None,
        by=by,
        segment=draw(st.none() | st.just("") | NAMES) if by else None,
        metrics=tuple(draw(st.lists(NAMES, unique=True, max_size=3))),
    )


@given(controls())
def test_a_link_says_all_of_it(said: Controls) -> None:
    again = Controls.of(parse_qs(said.query(), keep_blank_values=True))
    assert again == said
    assert not again.problems


def test_what_is_as_planned_is_not_in_a_link() -> None:
    assert Controls().query() == ""
    assert not Controls().asks_anything
    assert Controls(confidence=0.9).query(confidence=None) == ""


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (
            "method=magic",
            "method must be one of sequential, welch, bayesian, group-sequential, not 'magic'",
        ),
        ("confidence=95", "confidence must be a share such as 0.95"),
        ("confidence=nan", "confidence must be a share such as 0.95"),
        ("days=0", "days must be a whole number from 1"),
        ("days=1e9", "days must be a whole number from 1"),
        ("since=yesterday", "since must be a day such as 2026-11-01, not 'yesterday'"),
        ("until=9999-12-31", "until must be a day such as 2026-11-30"),
        ("until=0001-01-02&days=10000", "until must be a day such as 2026-11-30"),
        (f"by={'x' * 5_000}", "by is too long"),
        ("until=2026-13-01", "until must be a day such as 2026-11-30"),
        ("since=2026-11-09&until=2026-11-08", "ends (2026-11-08) before it begins (2026-11-09)"),
        ("days=7&since=2026-11-09", "the first day counts"),
    ],
)
def test_what_is_said_wrongly_is_as_planned_and_told(query: str, problem: str) -> None:
    said = Controls.of(parse_qs(query))
    assert problem in " ".join(said.problems)
    assert said.method is None
    assert said.confidence is None
    assert said.until is None
    assert said.by is None


def test_a_confidence_is_in_a_link_as_it_is() -> None:
    said = Controls.of({"confidence": ["0.9999999"]})
    assert Controls.of(parse_qs(said.query())) == said


def test_white_space_is_part_of_a_variant_s_name() -> None:
    said = Controls.of({"variant": [" a  b "]})
    assert said.variant == " a  b "
    assert Controls.of(parse_qs(said.query())) == said


def test_days_back_from_the_first_day_that_can_be_asked_for_are_days() -> None:
    said = Controls.of({"until": ["1970-01-01"], "days": ["10000"]})
    assert first_day(said, latest=date(2026, 11, 22)) == date(1942, 8, 17)


def test_the_last_days_end_with_the_data_or_where_the_frame_ends() -> None:
    latest = date(2026, 11, 22)
    assert first_day(Controls(days=7), latest=latest) == date(2026, 11, 16)
    assert first_day(Controls(days=1, until=date(2026, 11, 10)), latest=latest) == date(
        2026, 11, 10
    )
    assert first_day(Controls(), latest=latest) is None
