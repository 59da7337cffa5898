"""Properties of exposures that nobody has."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from abkit.analysis.aggregation.exposures import ExposedUnits
from abkit.analysis.declared.design import Design
from abkit.errors import AnalysisError
from abkit.experiments.declaring.exclusion import BOTS, Exclusion

from ..asked import analyze


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
    made: dict[str, Any], design: Design, tables: Any
) -> None:
    with pytest.raises(AnalysisError) as caught:
        analyze(design, **made, segments=["country", "plann"])
    assert str(caught.value) == (
        "No exposure of 'Exp' has a property 'plann'. Did you mean 'plan'? They have 'country', "
        "'plan'. A segment needs one"
    )
    only_null = {"unit_id": "x", "variant": "a", "properties": '{"size": null}'}
    with pytest.raises(AnalysisError, match="has a value of the property 'size': it is null there"):
        analyze(design, **tables([only_null]), segments=["size"])
    found = analyze(design, **made, segments=["plan"]).segments
    assert [segment.value for segment in found] == ["pro", None]


def test_an_exclusion_by_a_property_that_nobody_has_is_told(
    made: dict[str, Any], design: Design
) -> None:
    mine = Exclusion(name="mine", property="plna", values=["pro"])
    result = analyze(design, **made, exclude=[BOTS, mine])
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


@pytest.mark.parametrize(
    ("latest", "until", "known"),
    [
        (-3, None, -3),
        (-30, None, -24),
        (2, None, -24),
        (-3, -8, -8),
        (-30, -8, -8),
        (-50, -40, -40),
        (-3, 5, -3),
    ],
)
def test_what_is_known_is_known_up_to_the_last_exposure_or_a_day_ago(
    latest: int, until: int | None, known: int
) -> None:
    """Hours from now; a clock that is wrong may have written of times to come."""
    now = datetime(2026, 11, 16, 12, tzinfo=UTC)
    exposed_units = ExposedUnits(
        incomplete=0,
        latest=now + timedelta(hours=latest),
        rows={},
        exposed={},
        jumped={},
        in_several=0,
        excluded={},
    )
    end = None if until is None else now + timedelta(hours=until)
    assert exposed_units.known(end, made=now) == now + timedelta(hours=known)


def test_an_exposure_that_is_stored_twice_counts_once(tables: Any, design: Design) -> None:
    """What two processes logged, or was sent again, has one insert_id; what has none is all counted."""
    once: list[dict[str, Any]] = [
        {"unit_id": str(i), "variant": "ab"[i % 2], "insert_id": f"i{i}", "hour": i}
        for i in range(24)
    ]
    once += [{"unit_id": "x", "variant": None, "insert_id": "incomplete"}]
    twice = [*once[:7], *once[-1:], {**once[2], "hour": 50}]
    unnamed = [{"unit_id": "0", "variant": "a", "insert_id": name} for name in (None, None, "", "")]

    def counted(rows: list[dict[str, Any]]) -> tuple[list[tuple[int, int]], int]:
        result = analyze(design, **tables(rows))
        return [(count.rows, count.units) for count in result.counts], result.incomplete

    assert counted(once) == ([(12, 12), (12, 12)], 1)
    assert counted([*once, *twice]) == counted(once)
    assert counted([*once, *twice, *unnamed]) == ([(16, 12), (12, 12)], 1)
