"""Metrics are declarations: names, a direction, a goal."""

from datetime import timedelta
from typing import Any, cast

import pytest

from abkit import (
    ActiveDays,
    Conversion,
    DeclarationError,
    Distinct,
    Formula,
    Mean,
    Quantile,
    Ratio,
    Sum,
    Total,
)
from abkit.experiments.declaring.metrics import Per, Retention, with_roles


def test_the_action_is_the_name_unless_said_otherwise() -> None:
    assert Conversion("clicked").action == "clicked"
    assert Sum("revenue", action="bought", property="price").action == "bought"
    assert Mean("rounds").column == "rounds"
    assert Distinct("view", property="item").action == "view"
    assert ActiveDays("visit").action == "visit"


DAY = timedelta(days=1)


def week_1(**time: Any) -> Retention:
    return Retention("week 1", start="visit", returning="visit", n=1, period="week", **time)


def test_a_quantile_is_of_all_events_unless_said_otherwise() -> None:
    assert Quantile("loaded", property="ms", q=0.95) == Quantile(
        "loaded", action="loaded", property="ms", q=0.95, per="event"
    )
    assert Quantile("m", action="buy", property="price", q=0.5, per="unit").per is Per.UNIT


def p95(**kind: Any) -> Quantile:
    return Quantile("p95", **{"property": "ms", "q": 0.95, **kind})


def guardrail(**kind: Any) -> Mean:
    return Mean("x", role="guardrail", **kind)


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        (lambda: Conversion(""), "`name`"),
        (lambda: Total("x", action=" "), "`action`"),
        (lambda: Sum("x", property=""), "`property`"),
        (lambda: Distinct("x", property=" "), "Distinct: `property`"),
        (lambda: Distinct("x", property="item", action=""), "`action`"),
        (lambda: ActiveDays("x", action=""), "ActiveDays: `action`"),
        (lambda: Conversion("x", direction="up"), "increase, decrease, any"),
        (lambda: Conversion("x", role="main"), "primary, secondary, guardrail"),
        (lambda: Conversion("x", goal=-0.1), "relative change above 0"),
        (lambda: Conversion("x", goal=0), "relative change above 0"),
        (lambda: Conversion("x", goal=cast("Any", "5%")), "such as 0.02 for 2%, not '5%'"),
        (lambda: Conversion("x", goal=cast("Any", [])), "relative change above 0"),
        (lambda: Conversion("x", goal=True), "relative change above 0"),
        (lambda: Conversion("x", goal=float("inf")), "relative change above 0"),
        (lambda: Conversion("x", goal=5), "so 5 is 500%: write 0.05 for 5%"),
        (lambda: Mean("x", goal=2.5), "so 2.5 is 250%: write 0.025 for 2.5%"),
        (lambda: Mean("x", margin=0.02), "declare role='guardrail'"),
        (lambda: Mean("x", margin=0.02, role="secondary"), "leave it out of a secondary metric"),
        (lambda: guardrail(margin=0.02, direction="any"), "'increase' or 'decrease'"),
        (lambda: guardrail(margin=0), "`margin` must be a relative change above 0"),
        (lambda: guardrail(margin=2), "`margin` is a relative change, so 2 is 200%"),
        (lambda: guardrail(margin=10**400), "`margin` must be a relative change above 0"),
        (lambda: Conversion("a", goal=10**400), "`goal` must be a relative change above 0"),
        (lambda: guardrail(margin=1), "`margin` must be below 1, not 1"),
        (lambda: Total("x", window=timedelta(0)), "`window` must be a timedelta above 0"),
        (
            lambda: Retention("x", start="a", returning="b", n=10**12),
            "`n` must be a day of the first 36500 days",
        ),
        (lambda: Total("x", window=timedelta.max), "`window` must be at most 36500 days"),
        (lambda: Total("x", delay=cast("Any", 3)), "`delay` must be a timedelta above 0, not 3"),
        (lambda: Total("x", delay=DAY, window=DAY), "longer than 1 days, when 'x' begins to count"),
        (
            lambda: Total("x", delay=DAY / 24, window=DAY / 48),
            "longer than 1:00:00, when 'x' begins to count, not 0:30:00:",
        ),
        (lambda: week_1(window=7 * DAY), "longer than 7 days, when 'week 1' begins to count"),
        (lambda: week_1(window=8 * DAY, delay=DAY), "longer than 8 days"),
        (lambda: week_1(mature_only=cast("Any", 1)), "`mature_only` must be True or False, not 1"),
        (lambda: p95(q=95), "must be a share between 0 and 1 such as 0.95, not 95: write 0.95"),
        (lambda: p95(q=0), "`q` must be a share between 0 and 1"),
        (lambda: p95(q=1), "`q` must be a share between 0 and 1"),
        (lambda: p95(q=float("nan")), "`q` must be a share between 0 and 1"),
        (lambda: p95(q="0.5"), "`q` must be a share between 0 and 1"),
        (lambda: p95(per="user"), "`per` must be one of event, unit, not 'user'"),
        (lambda: p95(property=""), "`property`"),
        (
            lambda: Ratio("r", numerator=p95(), denominator=Total("x")),
            "`numerator` must be a metric of one value per unit",
        ),
        (lambda: Formula("f", expression=p95() / Total("x")), "made of metrics of one value per"),
    ],
)
def test_a_wrong_metric_is_refused(metric: Any, says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        metric()


def test_a_margin_is_that_of_a_guardrail_with_a_side_that_is_worse() -> None:
    assert guardrail(margin=0.02).margin == 0.02
    assert guardrail(margin=1, direction="decrease").margin == 1
    assert guardrail().margin is None
    assert with_roles([guardrail(margin=0.02)]) == (guardrail(margin=0.02),)


def test_a_metric_may_have_a_time_of_its_own() -> None:
    sooner = Total("x", delay=DAY, window=3 * DAY, mature_only=True)
    assert (sooner.delay, sooner.window, sooner.mature_only) == (DAY, 3 * DAY, True)
    assert sooner != Total("x", window=3 * DAY)
    assert week_1(window=7 * DAY + timedelta(hours=1)).window is not None


P, S, G = "primary", "secondary", "guardrail"


@pytest.mark.parametrize(
    ("said", "roles"),
    [
        ([None], [P]),
        ([None, None, None], [P, S, S]),
        ([G, None, None], [G, P, S]),
        ([S, None, None], [S, P, S]),
        ([P, None, G], [P, S, G]),
        ([None, P, None, P], [P, P, S, P]),
        ([S, G], [S, G]),
    ],
)
def test_the_first_metric_is_primary_and_those_after_it_are_secondary(
    said: list[str | None], roles: list[str]
) -> None:
    metrics = [Conversion(str(place), role=role) for place, role in enumerate(said)]
    found = with_roles(metrics)
    assert [metric.role for metric in found] == roles
    assert with_roles(found) == found
    assert [metric.role for metric in with_roles(found)] == roles


def test_a_role_says_what_a_metric_is_for_and_not_what_it_measures() -> None:
    orders = Total("purchase")
    assert orders == Total("purchase", role="guardrail")
    assert hash(orders) == hash(Total("purchase", role="guardrail"))
    ratio = Ratio("price", numerator=Sum("purchase", property="price"), denominator=orders)
    assert with_roles([orders, ratio])[1] == ratio
    assert "role" not in repr(orders)
