"""Where labels stand and how they are written: as Vega has it, which is asked here."""

import re
from math import isclose
from typing import Any

import vl_convert
from hypothesis import example, given, settings
from hypothesis import strategies as st

from abkit.analysis.presentation.charts.scales import (
    COUNT,
    TENTH,
    Form,
    changes,
    rounded_up,
    ticks,
)

ENDS = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))


def asked_of_vega(low: float, high: float, about: int, form: Form) -> list[str]:
    """The labels of Vega's axis."""
    spec: dict[str, Any] = {
        "data": {"values": [{"a": low}]},
        "mark": "point",
        "height": 2_000,
        "encoding": {
            "y": {
                "field": "a",
                "type": "quantitative",
                "title": None,
                "scale": {"domain": [low, high], "nice": False, "zero": False},
                "axis": {"labelExpr": form.expression, "tickCount": about, "labelOverlap": False},
            }
        },
        "config": {"aria": False},
    }
    return re.findall(r"<text[^>]*>([^<]*)</text>", vl_convert.vegalite_to_svg(spec))


@settings(max_examples=25, deadline=None)
@example((0.0, 1.0), 3)
@example((0.0, 3.0), 5)
@example((-0.08, 0.31), 5)
@example((-0.001, 0.0013), 5)
@given(st.tuples(ENDS, ENDS).filter(lambda ends: ends[0] < ends[1]), st.integers(3, 8))
def test_labels_are_those_of_vega(ends: tuple[float, float], about: int) -> None:
    low, high = ends
    for form in (changes(low, high, relative=True), changes(low, high, relative=False)):
        ours = [form(value) for value in ticks(low, high, about=about)]
        assert ours == asked_of_vega(low, high, about, form)


def test_counts_and_tenths_are_written_as_vega_does() -> None:
    for high, form in ((12_000.0, COUNT), (1.0, TENTH)):
        ours = [form(value) for value in ticks(0.0, high, about=4)]
        assert ours == asked_of_vega(0.0, high, 4, form)


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300), st.integers(2, 20))
def test_labels_are_within_the_ends_and_not_too_many(a: float, b: float, about: int) -> None:
    low, high = min(a, b), max(a, b)
    found = ticks(low, high, about=about)
    edge = 1e-9 * max(abs(low), abs(high))
    assert 1 <= len(found) <= 2 * about + 2
    assert all(low - edge <= value <= high + edge for value in found)
    assert found == sorted(found)


@given(st.integers(1, 10**9), st.integers(3, 9))
def test_an_axis_of_counts_ends_at_a_label(most: int, about: int) -> None:
    end = rounded_up(most, about=about)
    assert most <= end <= 2.5 * most
    assert isclose(ticks(0, end, about=about)[-1], end)


def test_whole_numbers_have_no_fractions_between_them() -> None:
    assert ticks(0, 3, about=10, whole=True) == [0, 1, 2, 3]
