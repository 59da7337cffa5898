"""Who reacts differently, as it is shown."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from abkit.analysis.findings.heterogeneity import Heterogeneity, PartEffect
from abkit.analysis.presentation.export import rows
from abkit.analysis.presentation.heterogeneity import reactions
from abkit.analysis.presentation.report import render
from abkit.analysis.result import Result
from abkit.experiments.declaring.metrics import Conversion, Mean

Full = Callable[..., Result]

TEAM = PartEffect(
    value="team",
    units=4_000,
    difference=0.008,
    lift=0.08,
    rest=0.001,
    rest_lift=0.01,
    corrected_p=0.002,
)
FREE = PartEffect(
    value=None,
    units=9_000,
    difference=0.001,
    lift=0.01,
    rest=0.008,
    rest_lift=None,
    corrected_p=0.4,
)
DIFFERENT = Heterogeneity(
    metric=Conversion("integration link clicked"),
    property="plan",
    variant="1",
    method="sequential",
    p_value=0.001,
    corrected_p=0.002,
    differs=True,
    different=(TEAM,),
    parts=(FREE, TEAM),
)
ALIKE = evolve(DIFFERENT, p_value=0.2, corrected_p=0.4, differs=False, different=())


def said(result: Result, *tests: Heterogeneity) -> str:
    return " ".join(reactions(evolve(result, heterogeneity=tests)))


def test_the_segment_that_the_test_names_is_named(full: Full) -> None:
    assert said(full(), DIFFERENT) == (
        "plan=team reacts differently: +8.00% instead of +1.00% (test of interaction: corrected p = 0.0020)."
    )


def test_no_segment_is_named_without_the_test(full: Full) -> None:
    assert said(full(), ALIKE) == (
        "No segment reacts differently (tests of interaction: the smallest corrected p = 0.4000)."
    )


def test_metric_and_variant_are_named_where_there_are_several(full: Full) -> None:
    other = evolve(DIFFERENT, metric=Mean("latency"), variant="2")
    assert "corrected p = 0.0020). plan=team" in said(full(), DIFFERENT, other)
    assert "(latency, variant 2; test of" in said(full(), DIFFERENT, other)


def test_values_that_differ_without_one_that_can_be_named(full: Full) -> None:
    text = said(full(), evolve(DIFFERENT, different=()))
    assert text.startswith(
        "The values of plan do not react alike, though none of them can be named"
    )
    assert "(none) +1.00%, team +8.00%" in text


def test_where_a_lift_is_undefined_the_difference_is_shown(full: Full) -> None:
    assert "(no plan) reacts differently: +0.0010 abs. instead of +0.0080 abs." in said(
        full(), evolve(DIFFERENT, different=(FREE,))
    )


def test_only_some_of_many_values_are_named(full: Full) -> None:
    many = tuple(evolve(TEAM, value=str(i)) for i in range(5))
    assert "plan=2 reacts differently: +8.00% instead of +1.00%; and 2 more (" in said(
        full(), evolve(DIFFERENT, different=many)
    )


def test_what_is_not_tested_is_said(full: Full) -> None:
    text = said(full(), evolve(ALIKE, waiting=("a", "b", "c", None), left_out=1_234))
    assert "Not tested yet, as they have too few units: plan=a, plan=b, plan=c and 1 more." in text
    assert "1,234 units of rarer values of plan are in no segment, and not tested." in text
    nothing = said(full(), evolve(ALIKE, parts=(), waiting=("a", "b")))
    assert nothing == (
        "Whether a segment reacts differently is not tested yet: too few units in each of them."
    )


@pytest.mark.parametrize("test", [DIFFERENT, ALIKE])
def test_table_and_report_begin_with_the_same_sentence(full: Full, test: Heterogeneity) -> None:
    result = evolve(full(), heterogeneity=(test,))
    (sentence,) = reactions(result)
    assert sentence in render(result)
    assert sentence in result.to_text(width=200)


def test_the_segments_show_no_test_of_their_own(full: Full) -> None:
    """A segment that is significant beside one that is not would look like one that reacts differently."""
    result = evolve(full(), heterogeneity=(ALIKE,))
    text = result.to_text(width=200)
    assert "p-value" not in text[text.index("Segments") :].split("\n\n")[0]
    page = render(result)
    panel = page[page.index("<h2>Segments</h2>") :]
    panel = panel[: panel.index("</details>")]
    assert "<table" in panel
    assert "p-value" not in panel


def test_a_document_and_a_row_have_what_is_different(full: Full) -> None:
    result = evolve(full(), heterogeneity=(DIFFERENT,))
    document: Any = result.to_dict()
    (entry,) = document["heterogeneity"]
    assert entry["differs"] is True
    assert [of["value"] for of in entry["different"]] == ["team"]
    assert entry["parts"][1]["rest_lift"] == 0.01
    named = {(row["metric"], row["variant"]): row["reacts_differently"] for row in rows(result)}
    assert named["integration link clicked", "1"] == "plan=team"
    assert named["revenue", "1"] == ""
    assert named["revenue", "0"] is None
