"""Covariates of a plan: properties of the exposure, and other metrics' past, adjust all metrics."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from numpy.typing import NDArray

from abkit.analysis import Analysis, AnalysisPlan, Design
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.result import Result
from abkit.errors import AnalysisError, DeclarationError
from abkit.experiments.declaring.experiment import UserExperiment
from abkit.experiments.declaring.metrics import (
    ActiveDays,
    Conversion,
    Distinct,
    Funnel,
    Mean,
    Metric,
    Ratio,
    Retention,
    Role,
    Total,
)

from .conftest import Tables

BOUGHT = Total("buy")
METRICS: tuple[Metric, ...] = (
    BOUGHT,
    Conversion("bought", action="buy", role=Role.SECONDARY),
    Ratio("per visit", numerator=Total("buy"), denominator=Total("visit"), role=Role.SECONDARY),
    Funnel("funnel", steps=["visit", "buy"], role=Role.SECONDARY),
    Retention("back", start="visit", returning="visit", n=1, role=Role.SECONDARY),
)
DAYS = timedelta(days=5)


def design(*metrics: Metric) -> Design:
    return Design(name="Exp", salt="s", unit_type="user", control="a", metrics=metrics or (BOUGHT,))


class Unit:
    """One user: what it was, and what it did."""

    def __init__(self, random: Random, number: int) -> None:
        self.name = f"u{number}"
        self.variant = "ab"[number % 2]
        self.hour = random.randrange(6 * 24)
        self.plan = random.choice(["free", "free", "pro", "team", None])
        self.seats = random.choice([1, 2.5, 20, None])
        self.present = random.random() < 0.6
        self.bought = random.randrange(4) if self.present else 0
        self.visited = random.randrange(1, 4) if self.present else 0
        active = random.random() < 0.8
        more = {"pro": 2, "team": 1}.get(self.plan or "", 0)
        self.after = (random.randrange(3) + self.bought + self.visited + more) if active else 0
        self.visits_after = 1 + self.visited if active else 0

    def exposure(self) -> dict[str, Any]:
        told = {"plan": self.plan, "seats": self.seats, "one": "same", "id": self.name}
        properties = {name: value for name, value in told.items() if value is not None}
        return {
            "unit_id": self.name,
            "variant": self.variant,
            "hour": self.hour,
            "properties": json(properties),
        }

    def actions(self, random: Random) -> list[dict[str, Any]]:
        def did(action: str, times: int, hours: tuple[float, float]) -> list[dict[str, Any]]:
            return [
                {
                    "action": action,
                    "user_id": self.name,
                    "hour": self.hour + round(random.uniform(*hours), 3),
                    "insert_id": f"{self.name}-{action}-{hours}-{i}",
                }
                for i in range(times)
            ]

        before, after = (-100.0, -0.1), (0.0, 60.0)
        return [
            *did("buy", self.bought, before),
            *did("visit", self.visited, before),
            *did("buy", self.after, after),
            *did("visit", self.visits_after, after),
        ]


def json(properties: dict[str, Any]) -> str:
    from json import dumps

    return dumps(properties)


def units(count: int = 400) -> list[Unit]:
    random = Random(8)  # noqa: S311 - reproducible data, no secret
    return [Unit(random, number) for number in range(count)]


@pytest.fixture(scope="module")
def stored(tables: Tables) -> dict[str, Any]:
    random = Random(9)  # noqa: S311 - reproducible data, no secret
    everyone = units()
    return tables(
        [unit.exposure() for unit in everyone],
        [action for unit in everyone for action in unit.actions(random)],
    )


def result(stored: dict[str, Any], *metrics: Metric, **plan: Any) -> Result:
    said: dict[str, Any] = {"method": "welch", "cuped": DAYS, "novelty": False, **plan}
    return Analysis(design(*metrics), plan=AnalysisPlan(**said), **stored).run()


def first(stored: dict[str, Any], **plan: Any) -> MetricResult:
    return result(stored, **plan).metrics[0]


def fitted(
    everyone: Sequence[Unit], *columns: Sequence[float]
) -> tuple[NDArray[np.float64], float, float]:
    """A regression by statsmodels: the slopes; the effect, and the error (HC2) of that of the residuals."""
    sm = pytest.importorskip("statsmodels.api")
    y = np.array([unit.after for unit in everyone], float)
    treated = np.array([unit.variant == "b" for unit in everyone], float)
    x = np.array(columns, float).T
    full = sm.OLS(y, sm.add_constant(np.column_stack([treated, x]))).fit()
    slopes = full.params[2:]
    left = y - (x - x.mean(axis=0)) @ slopes
    fit = sm.OLS(left, sm.add_constant(treated)).fit(cov_type="HC2")
    return slopes, float(full.params[1]), float(fit.bse[1])


def freedom(weights: int, count: int = 400) -> float:
    """By what fitted weights enlarge the error."""
    left = count - 2
    factor = left * (left - 1) / ((left - weights) * (left - 1 - weights))
    return float(np.sqrt(factor))


def test_it_is_the_regression_of_statsmodels(stored: dict[str, Any]) -> None:
    found = first(stored, covariates=["plan", "seats", Total("visit")])
    everyone = units()
    columns: dict[str, Sequence[float]] = {
        "past": [u.bought for u in everyone],
        "present": [float(u.bought > 0) for u in everyone],
        "visit": [u.visited for u in everyone],
        "plan = free": [u.plan == "free" for u in everyone],
        "plan = pro": [u.plan == "pro" for u in everyone],
        "plan = team": [u.plan == "team" for u in everyone],
        "seats": [u.seats or 0 for u in everyone],
        "seats known": [u.seats is not None for u in everyone],
    }
    groups = [name for name in found.adjustment.covariates if "=" in name]  # type: ignore[union-attr]
    assert len(groups) == 3  # of four groups, with those without a plan
    columns["plan = none"] = [u.plan is None for u in everyone]
    used = ["past", "present", "visit", *groups, "seats", "seats known"]
    slopes, difference, error = fitted(everyone, *(columns[name] for name in used))
    assert found.adjustment is not None
    assert found.adjustment.theta == pytest.approx(slopes[0], rel=1e-9)
    assert [*found.adjustment.covariates.values()] == pytest.approx([*slopes[2:]], rel=1e-9)
    comparison = found["b"].comparison
    assert comparison is not None
    assert comparison.difference == pytest.approx(difference, rel=1e-9)
    expected = error * freedom(len(used) - 2)
    assert comparison.details["standard_error"] == pytest.approx(expected, rel=1e-9)


def test_a_property_alone_needs_no_past_and_is_post_stratification(stored: dict[str, Any]) -> None:
    """With groups alone, the weights are differences between groups, within the variants."""
    found = first(stored, cuped=None, covariates=["plan"])
    assert found.adjustment is not None
    assert (found.adjustment.theta, found.adjustment.days) == (0.0, None)
    everyone = units()
    groups = [name.removeprefix("plan = ") for name in found.adjustment.covariates]
    of = [[(u.plan or "none") == group for u in everyone] for group in groups]
    slopes, difference, error = fitted(everyone, *of)
    assert [*found.adjustment.covariates.values()] == pytest.approx([*slopes], rel=1e-9)
    comparison = found["b"].comparison
    assert comparison is not None
    assert comparison.difference == pytest.approx(difference, rel=1e-9)
    expected = error * freedom(len(groups))
    assert comparison.details["standard_error"] == pytest.approx(expected, rel=1e-9)


def test_looks_over_time_end_at_what_one_look_finds(stored: dict[str, Any]) -> None:
    plan: dict[str, Any] = {"covariates": ["plan", "seats", Total("visit")], "segments": ["plan"]}
    by_day, once = (
        result(stored, *METRICS, **plan, over_time=step).metrics for step in ("day", None)
    )
    for one, other in zip(by_day, once, strict=True):
        assert one.adjustment is not None, one.metric.name
        assert other.adjustment is not None
        assert one["b"].arm.moments.mean == pytest.approx(other["b"].arm.moments.mean, rel=1e-9)
        variance = pytest.approx(other["b"].arm.moments.variance, rel=1e-9)
        assert one["b"].arm.moments.variance == variance
        assert dict(one.adjustment.covariates) == pytest.approx(
            dict(other.adjustment.covariates), rel=1e-6, abs=1e-9
        )
        assert one.adjustment.variance_reduction > -0.02


def test_metrics_without_a_past_are_adjusted_by_what_else_is_known(stored: dict[str, Any]) -> None:
    plain = result(stored, *METRICS)
    assert [found.adjustment is None for found in plain.metrics] == [*[False] * 3, True, True]
    found = result(stored, *METRICS, covariates=["plan"])
    assert all(each.adjustment is not None for each in found.metrics)


def test_a_name_that_a_declared_metric_has_is_that_metric(stored: dict[str, Any]) -> None:
    visits = Total("visits", action="visit", role=Role.SECONDARY)
    by_name, itself = (
        result(stored, BOUGHT, visits, covariates=[each]).metrics for each in ("visits", visits)
    )
    assert by_name[0].adjustment == itself[0].adjustment
    assert by_name[1].adjustment is not None
    assert not by_name[1].adjustment.covariates  # it is adjusted by its own past already


@pytest.mark.parametrize("over_time", [None, "day"])
def test_the_past_of_a_unit_does_not_wait_for_its_window(
    stored: dict[str, Any], over_time: str | None
) -> None:
    visits = Total("visit", role=Role.SECONDARY)
    own_time = evolve(visits, delay=timedelta(hours=1), window=timedelta(days=3), mature_only=True)
    plain, given, declared = (
        result(stored, *metrics, covariates=[covariate], over_time=over_time).metrics[0]
        for metrics, covariate in [
            ([BOUGHT], visits),
            ([BOUGHT], own_time),
            ([BOUGHT, own_time], "visit"),
        ]
    )
    for found in (given, declared):
        assert found.adjustment == plain.adjustment
        assert found.control == plain.control
        assert found.treatments == plain.treatments


def test_sizes_of_sets_are_covariates(stored: dict[str, Any]) -> None:
    users = Distinct("who", action="visit", property="user_id")
    days = ActiveDays("days", action="visit")
    adjustment = first(stored, covariates=[users, days]).adjustment
    alike = first(stored, covariates=[Conversion("visit"), days]).adjustment
    assert adjustment is not None
    assert alike is not None
    assert adjustment.covariates["days"] != 0
    assert [*adjustment.covariates.values()] == pytest.approx([*alike.covariates.values()])


def test_what_others_say_already_is_left_out_and_told(stored: dict[str, Any]) -> None:
    again = Total("once more", action="visit")
    found = first(stored, covariates=[Total("visit"), again])
    assert found.adjustment is not None
    assert found.adjustment.covariates["once more"] == 0
    alone = first(stored, covariates=[Total("visit")])
    assert found["b"].arm.moments.mean == pytest.approx(alone["b"].arm.moments.mean, rel=1e-9)
    assert found["b"].arm.moments.variance == alone["b"].arm.moments.variance


def test_what_is_the_same_for_all_adjusts_nothing_and_that_is_said(stored: dict[str, Any]) -> None:
    found = result(stored, covariates=["one"])
    assert "The covariate 'one' is the same for all units: nothing is adjusted by it." in (
        found.warnings
    )
    assert found.metrics[0]["b"].arm == first(stored)["b"].arm


def test_the_report_says_what_was_adjusted_by(stored: dict[str, Any]) -> None:
    from abkit.analysis.presentation.sentences import adjustment

    told = adjustment(first(stored, cuped=None, covariates=["seats"]))
    assert told is not None
    assert told.startswith("Adjusted by seats, seats known: the variance is ")
    both = adjustment(first(stored, covariates=[Total("visit"), Total("again", action="visit")]))
    assert both is not None
    assert "before the first exposure (CUPED) and visit: the variance" in both
    assert both.endswith("Left out, as it says nothing beside these: again.")


def test_sums_with_covariates_can_be_judged_without_them(stored: dict[str, Any]) -> None:
    said = AnalysisPlan(method="welch", cuped=DAYS, covariates=["plan"], novelty=False)
    sums = Analysis(design(), plan=said, **stored).gather()
    bare = sums.result(plan=AnalysisPlan(covariates=()))
    assert bare.metrics[0]["b"].arm == first(stored)["b"].arm
    no_past = sums.result(plan=AnalysisPlan(cuped=None)).metrics[0]
    assert no_past["b"].arm == first(stored, cuped=None, covariates=["plan"])["b"].arm
    with pytest.raises(AnalysisError, match="Another covariates needs other sums"):
        sums.result(plan=AnalysisPlan(covariates=["seats"]))


def test_small_groups_are_one_group_and_that_is_said(tables: Tables) -> None:
    """Groups of fewer than ten units, or of fewer than two of some variant, are not compared within."""
    random = Random(1)  # noqa: S311 - reproducible data, no secret
    exposures = []
    for number in range(300):
        variant = "ab"[number % 2]
        country = random.choice(["de", "fr"])
        if number < 5:
            country = f"rare {number}"
        elif 20 <= number < 60 and variant == "a":
            country = "only a"
        exposures.append(
            {
                "unit_id": f"u{number}",
                "variant": variant,
                "properties": json({"country": country}),
            }
        )
    actions = [
        {"action": "buy", "user_id": f"u{number}", "hour": 1, "insert_id": f"i{number}"}
        for number in range(0, 300, 3)
    ]
    found = result(tables(exposures, actions), cuped=None, covariates=["country"])
    adjustment = found.metrics[0].adjustment
    assert adjustment is not None
    assert {*adjustment.covariates} == {"country = de", "country = fr"}
    said = "Of the covariate 'country', the 6 smallest groups, with 25 of 300 units, are one group"
    assert any(warning.startswith(said) for warning in found.warnings)


@pytest.mark.parametrize(
    ("covariates", "message"),
    [
        (["planet"], "has a property 'planet'.*A covariate needs one"),
        (["id"], "The covariate 'id' has 400 different values: as one of groups it may have 50"),
        ("plan", "must be a list of properties"),
        ([3], "must be a list of properties"),
        (["plan", "plan"], "has 'plan' more than once"),
        ([Mean("spent")], "has 'spent', a Mean: of a covariate, each unit must have one value"),
        ([METRICS[2]], "has 'per visit', a Ratio"),
        ([METRICS[4]], "has 'back', a Retention"),
    ],
)
def test_what_cannot_be_a_covariate_is_refused(
    stored: dict[str, Any], covariates: Any, message: str
) -> None:
    with pytest.raises(AnalysisError, match=message):
        result(stored, covariates=covariates)


def test_a_metric_without_a_time_before_is_no_covariate(stored: dict[str, Any]) -> None:
    with pytest.raises(AnalysisError, match="the treatment can change after the exposure"):
        result(stored, cuped=None, covariates=[Total("visit")])
    with pytest.raises(DeclarationError, match="say with cuped=timedelta"):

        class Wrong(UserExperiment):
            variants = ("a", "b")
            metrics = (BOUGHT,)
            plan = AnalysisPlan(covariates=["buy"])


def test_chances_are_not_adjusted() -> None:
    with pytest.raises(AnalysisError, match="covariates are not offered with method='bayesian'"):
        AnalysisPlan(method="bayesian", covariates=["plan"])
