"""Each flag at the edge of its rule."""

from math import inf, nextafter

import pytest
from attrs import evolve

from abkit.analysis.findings.metric_result import Arm, Flag, Series
from abkit.analysis.findings.validity import flags, flags_over_time, lifts_in_common
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.statistics.aggregates import Moments
from abkit.experiments.declaring.metrics import Conversion, Mean, Metric

SPENT, CLICKS = Mean("spent"), Conversion("clicks")
TEN, MORE = Moments(5000, 10.0, 4.0), Moments(5000, 10.1, 4.0)


def raised(
    control: Moments = TEN,
    treatment: Moments = MORE,
    *,
    metric: Metric = SPENT,
    lift_interval: Interval | None = None,
    p_value: float = 0.5,
    error: float | None = 0.04,
    capped: int | None = None,
) -> tuple[Flag, ...]:
    comparison = Comparison(
        method="sequential",
        control=control,
        treatment=treatment,
        difference=0.1,
        interval=Interval(-1.0, 1.0),
        lift=0.01,
        lift_interval=lift_interval,
        p_value=p_value,
        alpha=0.05,
        details={} if error is None else {"standard_error": error},
    )
    arms = Arm(variant="0", moments=control), Arm(variant="1", moments=treatment, capped=capped)
    return flags(*arms, comparison, metric=metric)


def test_an_ordinary_comparison_has_no_flag() -> None:
    assert raised() == ()
    assert (
        raised(metric=CLICKS, control=Moments(5000, 0.0, 1.0), treatment=Moments(5000, 1.0, 1.0))
        == ()
    )


def test_without_a_comparison_there_is_nothing_to_doubt() -> None:
    arm = Arm(variant="0", moments=Moments(5, inf, 0.0), capped=5)
    assert flags(arm, arm, None, metric=SPENT) == ()


@pytest.mark.parametrize(
    ("lift", "few"), [((0.005, 0.015), False), ((0.0049, 0.015), True), ((0.0, 0.02), True)]
)
def test_few_units_are_many_enough_for_what_is_known_to_half_of_itself(
    lift: tuple[float, float], few: bool
) -> None:
    """The lift is 1%."""
    found = raised(treatment=Moments(200, 10.1, 4.0), lift_interval=Interval(*lift))
    assert (Flag.FEW_UNITS in found) is few


@pytest.mark.parametrize(("n", "few"), [(999, True), (1_000, False)])
def test_few_units(n: int, few: bool) -> None:
    assert (Flag.FEW_UNITS in raised(treatment=Moments(n, 10.1, 4.0))) is few
    assert (Flag.FEW_UNITS in raised(control=Moments(n, 10.1, 4.0))) is few


@pytest.mark.parametrize(
    ("lifts", "goal", "suspicious"),
    [
        ((0.64, 0.80), None, True),
        ((0.02, 1.42), None, False),
        ((0.5, 0.9), None, False),
        ((nextafter(0.5, 1), 0.9), None, True),
        ((-0.9, -0.6), None, True),
        ((-0.9, -0.1), None, False),
        (None, None, False),
        ((0.64, 0.80), 0.1, True),
        ((0.64, 0.80), 0.2, False),
        ((1.1, 1.3), 0.2, True),
    ],
)
def test_suspicious_lift(
    lifts: tuple[float, float] | None, goal: float | None, suspicious: bool
) -> None:
    """72% known to 8% is one, 72% known to 70% is not; who wants 20% is not surprised by 80%."""
    found = raised(
        metric=Mean("spent", goal=goal),
        lift_interval=None if lifts is None else Interval(*lifts),
        p_value=0.01,
    )
    assert (Flag.SUSPICIOUS_LIFT in found) is suspicious


def test_no_variance() -> None:
    assert Flag.NO_VARIANCE in raised(treatment=Moments(5000, 10.1, 0.0))
    assert Flag.NO_VARIANCE in raised(control=Moments(5000, 0.0, 0.0))


@pytest.mark.parametrize(
    ("error", "small"), [(2.1e-9, False), (1.9e-9, True), (0.0, True), (None, False)]
)
def test_a_standard_error_that_is_too_small(error: float | None, small: bool) -> None:
    """The means are about 10; of 5,000 units each, an error of 2e-9 is a deviation of 1e-7 a unit."""
    assert (Flag.SMALL_ERROR in raised(treatment=Moments(5000, 10.0, 4.0), error=error)) is small


@pytest.mark.parametrize(
    ("mean", "metric", "impossible"),
    [
        (1.0, CLICKS, False),
        (nextafter(1.0, 2), CLICKS, True),
        (-1e-9, CLICKS, True),
        (1.5, SPENT, False),
        (inf, SPENT, True),
    ],
)
def test_an_impossible_mean(mean: float, metric: Metric, impossible: bool) -> None:
    found = raised(
        control=Moments(5000, 0.5, 1.0), treatment=Moments(5000, mean, 1.0), metric=metric
    )
    assert (Flag.IMPOSSIBLE_MEAN in found) is impossible


@pytest.mark.parametrize(("capped", "many"), [(None, False), (250, False), (251, True)])
def test_many_capped(capped: int | None, many: bool) -> None:
    """5% of 5,000 units are 250."""
    assert (Flag.MANY_CAPPED in raised(capped=capped)) is many


def series(difference: float, common: Interval | None, *, compared: bool = True) -> Series:
    moments = Moments(5000, 10.0, 4.0)
    comparison = Comparison(
        method="sequential",
        control=moments,
        treatment=moments,
        difference=difference,
        interval=Interval(-1.0, 1.0),
        lift=None,
        lift_interval=None,
        p_value=0.5,
        alpha=0.05,
    )
    return Series(
        arms=(moments,),
        comparisons=(comparison if compared else None,),
        running_p=(0.5,),
        running_interval=(common,),
    )


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (series(0.5, Interval(0.5, 0.6)), ()),
        (series(0.4999, Interval(0.5, 0.6)), (Flag.ESTIMATE_OUTSIDE,)),
        (series(0.6001, Interval(0.5, 0.6)), (Flag.ESTIMATE_OUTSIDE,)),
        (series(0.5, None), (Flag.FLIPPED_INTERVAL,)),
        (series(0.5, None, compared=False), ()),
        (Series(arms=(), comparisons=(), running_p=(), running_interval=()), ()),
    ],
)
def test_an_effect_that_changed_over_time(found: Series, expected: tuple[Flag, ...]) -> None:
    assert flags_of(found) == expected


def flags_of(found: Series) -> tuple[Flag, ...]:
    return flags_over_time(
        found.estimates[-1] if found.estimates else None,
        lifts=lifts_in_common(found.estimates),
        differences=found.running_interval[-1] if found.running_interval else None,
    )


def looks(*lifts: tuple[float, float, float] | None) -> Series:
    """Of lifts with their intervals, the differences of which have no point in common."""
    (first,) = series(0.5, None).comparisons
    assert first is not None
    made = [
        evolve(
            first,
            lift=None if lift is None else lift[1],
            lift_interval=None if lift is None else Interval(lift[0], lift[2]),
        )
        for lift in lifts
    ]
    return Series(
        arms=(),
        comparisons=(None, *made),
        running_p=(1.0,) * (len(made) + 1),
        running_interval=(None,) * (len(made) + 1),
    )


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (looks((0.0, 0.1, 0.2), (0.05, 0.1, 0.15)), ()),
        (looks(None, (0.05, 0.1, 0.15)), ()),
        (looks((0.0, 0.1, 0.2), (0.1, 0.25, 0.4)), (Flag.ESTIMATE_OUTSIDE,)),
        (looks((0.0, 0.1, 0.2), (0.21, 0.25, 0.4)), (Flag.FLIPPED_INTERVAL,)),
        (looks((0.0, 0.1, 0.2), None), (Flag.FLIPPED_INTERVAL,)),
    ],
)
def test_where_there_are_lifts_the_effect_is_the_lift(
    found: Series, expected: tuple[Flag, ...]
) -> None:
    """While both means grow, the difference grows with them, and nothing has changed."""
    assert flags_of(found) == expected
