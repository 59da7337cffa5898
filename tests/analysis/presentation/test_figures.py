"""How numbers and names are written."""

from datetime import timedelta
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.findings.metric_result import Flag
from abkit.analysis.presentation import figures, sentences
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method


@given(st.text())
def test_legible_text_obeys_nothing_and_keeps_what_can_be_shown(text: str) -> None:
    shown = figures.legible(text)
    assert len(shown) == len(text)
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in shown)
    assert not set(shown) & set("\u202e\u2066\u2028\ufffe\uffff")
    shown.encode("utf-8")
    assert figures.legible(shown) == shown


def test_letters_of_all_scripts_and_joined_emoji_are_kept() -> None:
    for text in ("Größe", "変種", "ميزة", "👩‍💻", "a\u00a0b"):
        assert figures.legible(text) == text


def test_line_ends_are_kept_where_lines_are_wanted() -> None:
    assert figures.legible("a\n\tb\r\0", lines=True) == "a\n\tb\ufffd\ufffd"


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (figures.number, inf, "∞"),
        (figures.number, nan, figures.NOTHING),
        (figures.number, -1e-9, "-1.000e-09"),
        (figures.number, 1234567.0, "1,234,567"),
        (figures.percent, 0.1234, "12.34%"),
        (figures.percent, inf, "∞"),
        (figures.change, -inf, "-∞"),
        (figures.change, nan, figures.NOTHING),
        (figures.change, -0.000001, "0.00%"),
        (figures.change, 123456.0, "+1.235e+07%"),
        (figures.p_value, 0.00001, "<0.0001"),
        (figures.p_value, nan, figures.NOTHING),
        (figures.p_is, 0.01934, "p = 0.0193"),
        (figures.p_is, 0.00001, "p < 0.0001"),
        (figures.chance, 0.99951, ">99.9%"),
        (figures.chance, 0.0, "<0.1%"),
        (figures.chance, 0.333, "33.3%"),
        (figures.chance, nan, figures.NOTHING),
    ],
)
def test_numbers_are_written_for_readers(write: object, value: float, text: str) -> None:
    assert callable(write)
    assert write(value) == text


def test_every_flag_and_every_method_is_explained() -> None:
    assert set(figures.FLAGS) == set(Flag)
    for method in Method:
        size = 1000 if method is Method.GROUP_SEQUENTIAL else None
        assert figures.method(AnalysisPlan(method=method, sample_size=size)) != method.value


def test_a_one_sided_test_says_so() -> None:
    assert "one-sided" in figures.method(AnalysisPlan(alternative="one-sided"))
    assert "one-sided" not in figures.method(AnalysisPlan())


def test_settings_are_told_by_name_without_what_is_absent() -> None:
    chosen = dict(sentences.chosen(AnalysisPlan(cuped=timedelta(days=14), taus={"clicks": 0.25})))
    assert chosen["Cuped"] == "14 days"
    assert chosen["Taus"] == "clicks: 0.25"
    assert "Window" not in chosen
    assert "Spending" not in chosen
