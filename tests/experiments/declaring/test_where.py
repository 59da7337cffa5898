"""Conditions read as they are written, are equal by value, and refuse what would mean something else."""

import operator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import Conversion, DeclarationError, Sum, Total, prop
from abkit.experiments.declaring.conditions import Condition
from abkit.experiments.declaring.where import where

paths = st.lists(st.sampled_from(["plan", "it's", 'a "b"', "a.b"]), min_size=1, max_size=2)
values = st.one_of(
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=5),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
)
limits = values.filter(lambda value: not isinstance(value, bool))
comparisons = st.one_of(
    st.builds(lambda p, v: prop(*p) == v, paths, values),
    st.builds(lambda p, v: prop(*p) != v, paths, values),
    st.builds(lambda p, v: prop(*p).in_(v), paths, st.lists(st.none() | values, min_size=1)),
    st.builds(lambda p, v: prop(*p) < v, paths, limits),
    st.builds(lambda p, v: prop(*p) >= v, paths, limits),
    st.builds(lambda p: prop(*p).is_not_null(), paths),
)
conditions = st.recursive(
    comparisons,
    lambda some: st.one_of(
        st.builds(lambda a, b: a & b, some, some),
        st.builds(lambda a, b: a | b, some, some),
        st.builds(lambda a: ~a, some),
    ),
    max_leaves=6,
)


@given(conditions)
def test_what_a_condition_says_of_itself_makes_it_again(condition: Condition) -> None:
    again = eval(repr(condition), {"prop": prop})  # noqa: S307 - it is our own
    assert (again, hash(again), repr(again)) == (condition, hash(condition), repr(condition))


@given(conditions)
def test_the_opposite_of_the_opposite_is_the_condition(condition: Condition) -> None:
    assert ~~condition == condition
    assert ~condition != condition


def test_a_mapping_means_all_of_it_in_any_order() -> None:
    given_ = {"plan": "paid", "country": ["FR", "DE"], "coupon": None, ("cart", "currency"): "EUR"}
    expected = (
        (prop("cart", "currency") == "EUR")
        & (prop("country").in_(["DE", "FR"]))
        & prop("coupon").is_null()
        & (prop("plan") == "paid")
    )
    assert where(given_) == where(dict(reversed(given_.items()))) == expected
    assert where({"plan": "paid"}) == where({"plan": ["paid"]}) == (prop("plan") == "paid")
    assert where({"country": {"DE", None}}) == prop("country").in_([None, "DE"])


def test_conditions_are_equal_by_value_and_type() -> None:
    assert (prop("a") == 10) == (prop("a") == 10.0)
    assert repr(prop("a") == 10.0) == "prop('a') == 10"
    assert (prop("a") == 1) != (prop("a") == True)  # noqa: E712 - it makes a condition
    assert (prop("a") == "1") != (prop("a") == 1)
    assert prop("a").in_(["y", "x", "x"]) == prop("a").in_(("x", "y"))
    assert (prop("a") == None) == prop("a").is_null()  # noqa: E711 - likewise
    assert (prop("a", "b") == 1) != (prop("a.b") == 1)
    assert repr(operator.lt(10, prop("a"))) == "prop('a') > 10"
    assert hash(prop("a")) == hash(prop("a"))


def test_brackets_make_no_difference_to_a_chain() -> None:
    a, b, c = (prop(name) == 1 for name in "abc")
    assert a & (b & c) == (a & b) & c
    assert a | (b | c) == (a | b) | c
    assert a & (b | c) != (a & b) | c


def test_metrics_that_differ_in_the_condition_only_are_different() -> None:
    paid = Conversion("purchase", where={"plan": "paid"})
    assert paid == Conversion("purchase", where=prop("plan") == "paid")
    assert len({paid, Conversion("purchase"), Conversion("purchase", where={"plan": "free"})}) == 3
    assert paid.where == (prop("plan") == "paid")
    assert "where=prop('plan') == 'paid'" in repr(paid)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: (prop("a") > 1) and (prop("b") > 1), "combine conditions by &, | and ~"),
        (lambda: 1 < prop("a") < 5, r"between\(1, 5\)"),
        (lambda: not (prop("a") > 1), "combine conditions by"),
        (lambda: prop("a") > 10 & prop("b") == 1, "each comparison needs brackets"),
        (lambda: (prop("a") > 10) & prop("b"), "each comparison needs brackets"),
        (lambda: (prop("a") > 10) & True, "True is no condition"),  # type: ignore[operator]
        (lambda: bool(prop("a")), r"compare it, as in prop\('a'\) == True"),
        (lambda: prop("a") == prop("b"), r"not with another property, prop\('b'\)"),
        (lambda: prop("a") == "", r"use is_null\(\)"),
        (lambda: prop("a") == "a\0", "NUL"),
        (lambda: prop("a") > True, "no order"),
        (lambda: prop("a") > None, "no order"),  # type: ignore[operator]
        (lambda: prop("a") > float("inf"), "finite number"),
        (lambda: prop("a") == 10**40, r"write it as a text, '1000"),
        (lambda: prop("a") == [1], r"not \[1\]"),
        (lambda: prop("a") > datetime(2024, 1, 1, tzinfo=UTC), "write '2024-01-01T00:00:00"),  # type: ignore[operator]
        (lambda: prop("a").in_("DE"), r"such as \['DE', 'FR'\], not 'DE'"),
        (lambda: prop("a").in_([]), "needs a list"),
        (lambda: prop("a").between(5, 1), r"smaller one first, between\(1, 5\)"),
        (lambda: prop("a").between("b", "a"), r"smaller one first, between\('a', 'b'\)"),
        (lambda: prop("a").between(1, "5"), "two numbers or two texts, not 1 and '5'"),
        (lambda: prop("a").between(None, 5), "no order"),  # type: ignore[arg-type]
        (lambda: prop(""), "not empty"),
        (lambda: prop("a", 1), "not 1"),  # type: ignore[arg-type]
        (lambda: Total("x", where="a > 1"), r"such as prop\('amount'\) > 10"),  # type: ignore[arg-type]
        (lambda: Total("x", where={}), "or a mapping"),
        (lambda: Total("x", where=True), "not True"),  # type: ignore[arg-type]
        (lambda: Total("x", where=prop("a")), r"not prop\('a'\)"),  # type: ignore[arg-type]
        (lambda: Total("x", where={1: "paid"}), "not 1"),
        (lambda: Sum("x", property="p", where={"a": {"b": 1}}), "compared with a text"),
    ],
)
def test_what_would_mean_something_else_is_refused(wrong: Any, says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        wrong()
