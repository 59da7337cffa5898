"""A result answers by the names of its metrics and variants."""

import pytest

from abkit import Conversion, Mean, UnknownNameError
from abkit.analysis.result import Result
from abkit.analysis.units import UnitsAnalysis


@pytest.fixture(scope="module")
def result() -> Result:
    import pyarrow as pa

    table = pa.table(
        {"v": ["A", "B", "C"] * 100, "purchase": [1, 0, 1] * 100, "revenue": [1.5, 2.5, 3.5] * 100}
    )
    metrics = [Conversion("purchase"), Mean("revenue")]
    return UnitsAnalysis(table, variant="v", control="A", metrics=metrics).run()


def test_a_metric_and_a_variant_are_found_by_name(result: Result) -> None:
    assert result["purchase"] is result.metrics[0]
    assert result["revenue"]["C"] is result.metrics[1].treatments[1]
    assert [*result] == ["purchase", "revenue"]
    assert [*result["purchase"]] == ["B", "C"]
    assert ("purchase" in result, "x" in result) == (True, False)
    assert ("B" in result["purchase"], "A" in result["purchase"]) == (True, False)


def test_another_name_is_a_key_error_that_says_which_there_are(result: Result) -> None:
    with pytest.raises(KeyError) as caught:
        result["purchse"]
    assert str(caught.value) == (
        "There is no metric 'purchse'. Did you mean 'purchase'? The metrics are 'purchase', 'revenue'."
    )
    with pytest.raises(
        UnknownNameError, match="'A' is the control: ask for .control\\. The variants"
    ):
        result["purchase"]["A"]
    with pytest.raises(UnknownNameError, match="no variant 'D'"):
        result["purchase"]["D"]
