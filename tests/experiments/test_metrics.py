"""Metrics are declarations: names, a direction, a goal."""

from typing import Any, cast

import pytest

from abkit import Conversion, DeclarationError, Mean, Sum, Total


def test_the_action_is_the_name_unless_said_otherwise() -> None:
    assert Conversion("clicked").action == "clicked"
    assert Sum("revenue", action="bought", property="price").action == "bought"
    assert Mean("rounds").column == "rounds"


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        (lambda: Conversion(""), "`name`"),
        (lambda: Total("x", action=" "), "`action`"),
        (lambda: Sum("x", property=""), "`property`"),
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
    ],
)
def test_a_wrong_metric_is_refused(metric: Any, says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        metric()
