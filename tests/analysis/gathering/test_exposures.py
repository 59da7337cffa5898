"""Properties of exposures that nobody has."""

from typing import Any

import pytest

from abkit.analysis.analysis import Analysis
from abkit.analysis.plan import Plan
from abkit.analysis.query.exclusion import BOTS, Exclusion
from abkit.errors import AnalysisError


@pytest.fixture
def made(tables: Any) -> dict[str, Any]:
    exposures = [
        {
            "unit_id": str(i),
            "variant": "ab"[i % 2],
            "properties": '{"plan": "pro", "country": "de"}' if i % 3 else None,
        }
        for i in range(24)
    ]
    made: dict[str, Any] = tables(exposures)
    return made


def test_a_segment_by_a_property_that_nobody_has_is_refused(
    made: dict[str, Any], plan: Plan
) -> None:
    with pytest.raises(AnalysisError) as caught:
        Analysis(plan, **made, segments=["country", "plann"]).run()
    assert str(caught.value) == (
        "No exposure of 'Exp' has a property 'plann'. Did you mean 'plan'? They have 'country', "
        "'plan'. A segment needs one"
    )
    found = Analysis(plan, **made, segments=["plan"]).run().segments
    assert [segment.value for segment in found] == ["pro", None]


def test_an_exclusion_by_a_property_that_nobody_has_is_told(
    made: dict[str, Any], plan: Plan
) -> None:
    mine = Exclusion(name="mine", property="plna", values=["pro"])
    result = Analysis(plan, **made, exclude=[BOTS, mine]).run()
    assert [w for w in result.warnings if "leaves out nobody" in w] == [
        (
            "No exposure of 'Exp' has a property 'user_agent'. They have 'country', 'plan'. So the "
            "exclusion 'bots' leaves out nobody by it."
        ),
        (
            "No exposure of 'Exp' has a property 'plna'. Did you mean 'plan'? They have 'country', "
            "'plan'. So the exclusion 'mine' leaves out nobody by it."
        ),
    ]
