"""What metrics measure, in words."""

from datetime import timedelta

import pytest
from attrs import frozen

from abkit import ActiveDays, Conversion, Distinct, Mean, Quantile, Sum, Total, prop
from abkit.analysis.presentation.definitions import in_words
from abkit.experiments.declaring.metrics import (
    Average,
    Formula,
    Funnel,
    Metric,
    Ratio,
    Retention,
    Winsorize,
)

PRICE = Sum("paid", action="buy", property="price")


@frozen
class Steps(Metric):
    """A metric of another place."""

    up: int


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (Conversion("buy"), "share of units that do 'buy'"),
        (Conversion("b", action="buy", times=3), "share of units that do 'buy' at least 3 times"),
        (Total("buy", log=True), "number of 'buy' per unit, as its logarithm"),
        (
            Sum("paid", action="buy", property="price", winsorize=Winsorize(upper=500, lower=0)),
            "sum of 'price' over 'buy' per unit, at most 500, at least 0",
        ),
        (
            Average(
                "paid", action="buy", property="price", winsorize=Winsorize(upper_percentile=99)
            ),
            "average of 'price' over each unit's 'buy', at most the 99th percentile",
        ),
        (
            Total("b", delay=timedelta(days=3), window=timedelta(days=9), mature_only=True),
            "number of 'b' per unit, from 3 days to 9 days after the exposure, of units whose window is over",
        ),
        (
            Conversion("buy", window=timedelta(days=7)),
            "share of units that do 'buy', in the first 7 days after the exposure",
        ),
        (
            Total("buy", delay=timedelta(days=1), log=True),
            "number of 'buy' per unit, from 1 day after the exposure on, as its logarithm",
        ),
        (
            Distinct("seen", action="view", property="item"),
            "number of different 'item' of 'view' per unit",
        ),
        (
            ActiveDays("visits", action="visit", winsorize=Winsorize(upper=7)),
            "number of different days with 'visit' per unit, at most 7",
        ),
        (
            Mean("rating", missing="drop"),
            "mean of the column 'rating' of a table of units, missing values: drop",
        ),
        (
            Funnel("f", steps=["see", "buy"], within=timedelta(hours=12)),
            "share of units that do 'see', then 'buy' within 12 hours",
        ),
        (
            Funnel("f", steps=["see", "buy"], counting="total"),
            "times a unit does 'see', then 'buy'",
        ),
        (
            Retention("w", start="join", returning="visit", n=2, period="week"),
            "share of units that do 'visit' in week 2 after 'join'",
        ),
        (
            Quantile("p95", action="load", property="ms", q=0.95),
            "0.95 quantile of 'ms' over all 'load'",
        ),
        (
            Quantile("m", action="buy", property="price", q=0.5, per="unit"),
            "median of the units' sums of 'price' over 'buy'",
        ),
        (
            Ratio("r", numerator=PRICE, denominator=Total("buy")),
            "sum of 'price' over 'buy' per unit, divided by the number of 'buy' per unit",
        ),
        (
            Formula(
                "f",
                expression=(Sum("p", action="buy", property="x") - 2) / Total("n", action="buy"),
            ),
            "((p - 2) / n) of 'p' (sum of 'x' over 'buy' per unit) and 'n' (number of 'buy' per unit)",
        ),
        (Steps("steps", up=3), "steps of up 3"),
        (
            Sum("b", action="buy", property="x", log=True, where=prop("x") > 10),
            "sum of 'x' over 'buy' per unit where prop('x') > 10, as its logarithm",
        ),
        (
            Ratio("r", numerator=Total("buy", where={"plan": "paid"}), denominator=Total("buy")),
            "number of 'buy' per unit where prop('plan') == 'paid', divided by the number of 'buy' per unit",
        ),
    ],
)
def test_each_metric_has_words(metric: Metric, words: str) -> None:
    assert in_words(metric) == words
