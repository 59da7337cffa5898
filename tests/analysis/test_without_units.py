"""A variant that is declared, and that no unit has seen yet."""

import pytest

from abkit import Conversion
from abkit.analysis import Design

from .asked import analyze
from .conftest import Tables


@pytest.mark.parametrize("method", ["sequential", "group-sequential"])
@pytest.mark.parametrize("gone", ["b", "c"])
def test_a_variant_without_units_stops_nothing(tables: Tables, method: str, gone: str) -> None:
    exposures = [
        {"unit_id": f"{variant}{i}", "variant": variant, "hour": i % 20}
        for variant in "abcd"
        if variant != gone
        for i in range(120)
    ]
    actions = [{"action": "click", "user_id": f"a{i}", "hour": 21} for i in range(40)]
    design = Design(
        name="Exp",
        salt="s",
        control="a",
        weights=dict.fromkeys("abcd", 1.0),
        metrics=(Conversion("click"),),
    )
    result = analyze(design, **tables(exposures, actions), method=method, sample_size=480)
    assert [count.units for count in result.counts if count.variant == gone] == [0]
    assert len(result.pairs) == 3
    assert result["click"][gone].missing[0] == f"100 more units in variant {gone}"
