"""What an id is: the same for all that asks, and what is none is refused with the reason."""

import enum
import uuid
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from django.utils.functional import SimpleLazyObject
from hypothesis import given
from hypothesis import strategies as st

from abkit import (
    DeclarationError,
    ExperimentManager,
    MissingSubjectError,
    OrgExperiment,
    Params,
    UserExperiment,
    WeightedChoice,
    assign_many,
)
from abkit.experiments.declaring.subjects import unit_id_of, why_no_id

PERSON = uuid.UUID("12345678-1234-5678-1234-567812345678")


class Plan(str, enum.Enum):  # noqa: UP042 - as many applications still have them
    FREE = "free"


class ByKey:
    """As a Django model whose primary key is not called `id`."""

    def __init__(self, pk: object) -> None:
        self.pk = pk


class WithMethod:
    def id(self) -> int:
        return 7


class Split(UserExperiment):
    variants = {"0": 0.5, "1": 0.5}


class SplitInCode(UserExperiment):
    variants = {"0": 0.5, "1": 0.5}
    salt = "Split"

    def assign(self, params: Params, user: Any) -> None:
        unit = user.pk if isinstance(user, ByKey) else user.id
        params.variant = WeightedChoice(choices=["0", "1"], weights=[0.5, 0.5], unit=unit)


class SplitByDefault(UserExperiment):
    variants = {"0": 0.5, "1": 0.5}
    salt = "Split"

    def assign(self, params: Params, **subjects: Any) -> None:
        super().assign(params, **subjects)


IDS = [
    (7, "7"),
    ("seven", "seven"),
    (PERSON, str(PERSON)),
    (np.int64(7), "7"),
    (np.uint8(7), "7"),
    (np.float64(7), "7"),
    (np.str_("seven"), "seven"),
    (7.0, "7"),
    (Decimal("7.00"), "7"),
    (Plan.FREE, "free"),
    (date(2026, 11, 26), "2026-11-26"),
    (SimpleLazyObject(lambda: 7), "7"),
]
NO_IDS = [
    (True, "is True, a bool"),
    (False, "is False, a bool"),
    (np.True_, "is True, a bool"),
    (1.5, "is 1.5, no whole number"),
    (2.0**60, "too large for a float to be exact"),
    (float("nan"), "is nan, no whole number"),
    (float("inf"), "is inf, no whole number"),
    (Decimal("1.5"), "no whole number"),
    ("", "is empty"),
    (b"7", "is bytes: decode them"),
    ({"id": 7}, "is a dict: pass the id in it"),
    ([7], "is a list: pass the id in it"),
    ((7,), "is a tuple: pass the id in it"),
    (pd.NaT, "is a NaTType"),
    (pd.NA, "is a NAType"),
    (np.array([7]), "is a ndarray: pass the id in it"),
    (WithMethod().id, "is a method: call it"),
    (WithMethod(), "with an `id` that is a method: call it"),
    (SimpleNamespace, "is a class"),
    (SimpleNamespace(id=False), "with an `id` that is False, a bool"),
    (SimpleNamespace(id=""), "with an `id` that is empty"),
    (SimpleNamespace(id=None), "whose id is None: it is not saved"),
    (ByKey(None), "whose id is None: it is not saved"),
    (SimpleNamespace(), "which has no `id` and no `pk`"),
    (Mock(), "with an `id` that is a Mock"),
    (SimpleNamespace(id=None, is_anonymous=True), "is an anonymous SimpleNamespace: nobody is"),
]


@pytest.mark.parametrize(("value", "text"), IDS, ids=str)
def test_an_id_is_the_same_as_itself_as_an_objects_id_and_as_a_primary_key(
    value: object, text: str
) -> None:
    wrapped: list[object] = [value, SimpleNamespace(id=value), ByKey(value)]
    assert {unit_id_of(subject) for subject in wrapped} == {text}


@pytest.mark.parametrize(("value", "text"), IDS, ids=str)
@pytest.mark.parametrize(
    "wrap", [lambda value: value, lambda value: SimpleNamespace(id=value), ByKey]
)
def test_all_that_takes_subjects_takes_the_same_unit(
    value: object, text: str, wrap: Callable[[object], object]
) -> None:
    events: list[Any] = []
    manager = ExperimentManager(on_event=events.append, strict=True)
    for experiment in (Split, SplitInCode, SplitByDefault):
        manager.add(experiment)
    subject = wrap(value)
    given = [manager.assign(name, user=subject) for name in manager]
    assert {(each.unit_id, each.variant) for each in given if each.experiment != "SplitInCode"} == {
        (text, manager.get(Split, user=text))
    }
    if subject is value or not isinstance(value, float | Decimal | enum.Enum):
        assert given[1].variant == given[0].variant  # else the code's own `unit` has another text
    manager.log_exposure(Split, user=subject)
    manager.track("bought", user=subject, org=1)
    assert {event.user_id for event in events} == {text}
    assert assign_many(Split, [subject]) == [given[0].variant]
    forced: Any = type(
        "Forced", (UserExperiment,), {"variants": ["0", "1"], "forced": {"1": [subject]}}
    )
    assert forced.declaration.forced == {text: "1"}


@pytest.mark.parametrize(("value", "why"), NO_IDS, ids=[why for _, why in NO_IDS])
def test_what_is_no_id_is_refused_everywhere_with_the_reason(value: object, why: str) -> None:
    events: list[Any] = []
    manager = ExperimentManager(on_event=events.append, strict=True)
    manager.add(Split)
    assert unit_id_of(value) is None
    assert why in why_no_id(value)
    for ask in (manager.get, manager.log_exposure):
        with pytest.raises(MissingSubjectError) as caught:
            ask(Split, user=value)
        assert f"Split: user= {why_no_id(value)}; pass user=" in str(caught.value)
    attributes = {"variants": ["0"], "forced": {"0": [value]}}
    with pytest.raises(DeclarationError, match="must hold unit ids; one is"):
        type("Forced", (UserExperiment,), attributes)
    assert events == []


@pytest.mark.parametrize("value", [False, 1.5, {}, b"7", SimpleNamespace(id=None)], ids=str)
def test_an_action_of_an_unusable_person_is_an_error_and_never_without_the_person(
    value: object,
) -> None:
    events: list[Any] = []
    manager = ExperimentManager(on_event=events.append, strict=True)
    with pytest.raises(MissingSubjectError, match="bought: user= is"):
        manager.track("bought", user=value, org=1)
    lenient = ExperimentManager(on_event=events.append, strict=False)
    lenient.track("bought", user=value, org=1)
    assert lenient.errors == {("bought", "MissingSubjectError"): 1}
    assert events == []


def test_an_action_of_an_unusable_organization_is_an_error(manager: ExperimentManager) -> None:
    with pytest.raises(MissingSubjectError, match="bought: org= is False, a bool"):
        manager.track("bought", user=1, org=False)


def test_what_only_the_code_looks_at_need_have_no_id() -> None:
    class Banner(UserExperiment):
        variants = {"0": 1}

        def assign(self, params: Params, user: Any, is_mobile: bool, config: Any) -> None:
            assert is_mobile
            assert config == {"a": 1}
            super().assign(params, user=user)

    events: list[Any] = []
    manager = ExperimentManager(on_event=events.append, strict=True)
    manager.add(Banner)
    manager.log_exposure(Banner, user=1, is_mobile=True, config={"a": 1})
    assert [(event.user_id, event.groups) for event in events] == [("1", {})]


@pytest.mark.parametrize("nobody", [None, SimpleNamespace(id=None, is_anonymous=True)])
def test_an_action_of_an_anonymous_visitor_is_the_organizations(nobody: object) -> None:
    events: list[Any] = []
    ExperimentManager(on_event=events.append, strict=True).track("read", user=nobody, org=1)
    assert [(event.user_id, event.groups) for event in events] == [(None, {"org": "1"})]


@given(st.integers(-(2**53), 2**53))
def test_a_whole_number_is_one_unit_however_it_is_written(number: int) -> None:
    written = [number, float(number), Decimal(number), np.int64(number), str(number)]
    assert {unit_id_of(each) for each in written} == {str(number)}


@pytest.mark.parametrize(
    "column",
    [np.array([7.0, 8.0]), pd.Series([7.0, 8.0]), pl.Series([7.0, 8.0]), pa.array([7.0, 8.0])],
    ids=["numpy", "pandas", "polars", "arrow"],
)
def test_a_column_of_whole_floats_is_one_of_whole_numbers(column: Any) -> None:
    found = assign_many(Split, column)
    assert [str(variant) for variant in found] == assign_many(Split, [7, 8])


def test_the_row_of_a_frame_has_ids(manager: ExperimentManager) -> None:
    manager.add(Split)
    frame = pd.DataFrame({"user": [7, 8], "spent": [1.5, 2.5]})
    found = [manager.get(Split, user=row["user"]) for _, row in frame.iterrows()]
    assert found == [manager.get(Split, user=user) for user in (7, 8)]


def test_a_bare_id_of_any_kind_answers_to_its_id_in_code(manager: ExperimentManager) -> None:
    class Asks(OrgExperiment):
        variants = {"x": 1}

        def assign(self, params: Params, org: Any, actor: Any) -> None:
            assert actor.id in {5, str(PERSON)}
            params.variant = WeightedChoice(choices=["x"], weights=[1], unit=org.id)

    manager.add(Asks)
    for actor in (5, np.int64(5), 5.0, PERSON):
        assert manager.get(Asks, org=np.int64(1), actor=actor) == "x"
