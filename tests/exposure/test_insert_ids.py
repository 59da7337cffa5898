"""Exposures that are named when somebody asks."""

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.events import Exposure
from abkit.exposure.insert_ids import LazyIdExposure, are_plain, with_lazy_id
from abkit.sinks.records import exposure_record, insert_id

from .events import action, exposure

MARK = (20_000.0, "a", 2)


@given(
    st.builds(
        Exposure,
        experiment=st.text(),
        salt=st.text(),
        unit_type=st.text(),
        unit_id=st.text(),
        variant=st.one_of(st.text(), st.integers(), st.booleans()),
        time=st.floats(0, 1e9),
        user_id=st.none(),
        groups=st.just({}),
        properties=st.just({}),
        insert_id=st.just(""),
        weights=st.none() | st.text(),
    )
)
def test_nobody_can_tell_it_from_an_exposure_that_was_named_at_once(event: Exposure) -> None:
    later = with_lazy_id(event, MARK)
    at_once = event._replace(insert_id=insert_id(event, window=20_000, ordinal=2))
    assert type(later) is LazyIdExposure
    assert later == at_once
    assert at_once == later
    assert not later != at_once  # noqa: SIM202 - it is the operator that is tested
    assert repr(later) == repr(at_once)
    assert [*later] == [*at_once]
    assert later[-2] == later[9] == later.insert_id == at_once.insert_id
    assert later[:4] == at_once[:4]
    assert later._asdict() == at_once._asdict()
    assert exposure_record(later) == exposure_record(at_once)


def test_it_differs_from_what_has_another_name() -> None:
    assert with_lazy_id(exposure(), MARK) != with_lazy_id(exposure(), (20_001.0, "a", 2))
    assert with_lazy_id(exposure(), MARK) != exposure()
    assert with_lazy_id(exposure(), MARK) != tuple(exposure())


def test_copies_have_the_same_name() -> None:
    event = with_lazy_id(exposure()._replace(groups={}, properties={}), MARK)
    assert event.insert_id == pickle.loads(pickle.dumps(event)).insert_id
    assert event.insert_id == copy.copy(event).insert_id == copy.deepcopy(event).insert_id
    assert event._replace(variant="b").insert_id == event.insert_id


def test_it_is_hashed_by_its_values() -> None:
    bare = exposure()._replace(groups=None, properties=None)  # type: ignore[arg-type]
    one, other = (with_lazy_id(bare, MARK) for _ in "12")
    assert hash(one) == hash(other)


def test_a_name_that_an_exposure_has_is_kept() -> None:
    named = exposure()._replace(insert_id="mine")
    assert with_lazy_id(named, MARK) is named


def test_an_exposure_that_cannot_be_named_is_an_error() -> None:
    wrong: Any = 7
    with pytest.raises(TypeError, match="expected str"):
        with_lazy_id(exposure(wrong), MARK)


def test_only_accepted_exposures_without_properties_are_plain() -> None:
    event = with_lazy_id(exposure(), MARK)
    assert are_plain([event, event])
    assert not are_plain([event, exposure()])
    assert not are_plain([event, action()])
    assert not are_plain([event, with_lazy_id(exposure()._replace(properties={"a": 1}), MARK)])
