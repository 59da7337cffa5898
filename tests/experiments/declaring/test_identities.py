"""Who belongs together: what `identify` takes, and what it refuses."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import ExperimentManager, IdentityError, MissingSubjectError, VisitorExperiment
from abkit.events import Event, Identity
from abkit.experiments.declaring.identities import identity_of, is_visitor_id, new_visitor_id

VISITOR = "v-" + "0123456789abcdef" * 2

_IDS = st.text(min_size=1) | st.integers()


class SignupWithGitHub(VisitorExperiment):
    variants = {"form": 0.5, "github": 0.5}


@given(visitor=_IDS, user=_IDS, time=st.floats(0, 4e9))
def test_whatever_the_order_and_the_name_of_the_person_it_is_one_identity(
    visitor: Any, user: Any, time: float
) -> None:
    expected = Identity("visitor", str(visitor), "user", str(user), time)
    assert identity_of({"visitor": visitor, "user": user}, time=time) == expected
    assert identity_of({"actor": user, "visitor": visitor}, time=time) == expected


def test_a_user_may_belong_to_an_organization_and_a_unit_to_any_other() -> None:
    assert identity_of({"org": 3, "user": 7}, time=1)[:4] == ("user", "7", "org", "3")
    either = [
        identity_of(pair, time=1) for pair in ({"shop": 1, "city": 2}, {"city": 2, "shop": 1})
    ]
    assert either == [Identity("city", "2", "shop", "1", 1)] * 2


@pytest.mark.parametrize(
    ("subjects", "says"),
    [
        ({}, "takes two subjects .* got nothing"),
        ({"visitor": VISITOR}, "takes two subjects .* got visitor="),
        ({"user": 7, "actor": 8}, "takes two subjects of different types"),
        ({"visitor": VISITOR, "user": 7, "org": 1}, "takes two subjects"),
        ({"visitor": 7, "user": VISITOR}, "user= is the id of a visitor .* swapped"),
        ({"visitor": VISITOR, "user": VISITOR}, "user= is the id of a visitor .* pass the user"),
    ],
)
def test_what_is_no_pair_is_refused(subjects: dict[str, Any], says: str) -> None:
    with pytest.raises(IdentityError, match=says):
        identity_of(subjects, time=1)


@pytest.mark.parametrize(
    "subjects",
    [{"visitor": None, "user": 7}, {"visitor": VISITOR, "user": ""}, {"visitor": True, "user": 7}],
)
def test_nobody_belongs_to_nobody(subjects: dict[str, Any]) -> None:
    with pytest.raises(MissingSubjectError, match="identify: "):
        identity_of(subjects, time=1)


def test_a_manager_tells_it_and_never_breaks_the_request() -> None:
    told: list[Event] = []
    manager = ExperimentManager(on_event=told.append, strict=False, clock=lambda: 5.0)
    manager.add(SignupWithGitHub)
    before = manager.get(SignupWithGitHub, visitor=VISITOR)
    manager.identify(visitor=VISITOR, user=7)
    manager.identify(visitor=VISITOR, user=None)
    assert told == [Identity("visitor", VISITOR, "user", "7", 5.0)]
    assert manager.errors == {("identify", "MissingSubjectError"): 1}
    assert manager.get(SignupWithGitHub, visitor=VISITOR, user=7) == before


def test_a_new_visitor_has_an_id_that_nobody_has() -> None:
    ids = {new_visitor_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(map(is_visitor_id, ids))
    assert not any(map(is_visitor_id, ("", "v-", "v-7", VISITOR.upper(), VISITOR + "0", "7")))
