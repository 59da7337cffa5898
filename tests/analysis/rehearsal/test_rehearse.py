"""An experiment on one's own history, where every difference is a false alarm."""

import random
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from abkit import WeightedChoice
from abkit.analysis import Analysis
from abkit.analysis.inference.power import conversion_effect, detectable_difference
from abkit.analysis.presentation import rehearsal as words
from abkit.analysis.rehearsal.history import History
from abkit.analysis.rehearsal.outcome import Rehearsal
from abkit.analysis.rehearsal.reading import Wanted, read_history
from abkit.analysis.rehearsal.rehearse import rehearse
from abkit.analysis.rehearsal.splits import Cut, sums_of_splits
from abkit.errors import AnalysisError, EmptyDataError
from abkit.experiments.deciding.decision import split_of
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.experiment import UserExperiment, VisitorExperiment
from abkit.experiments.declaring.metrics import (
    ActiveDays,
    Conversion,
    Distinct,
    Ratio,
    Sum,
    Total,
)
from abkit.experiments.in_bulk.assign import assign_many

from ..conftest import START

VISITS, BUYS = "visit", "buy"
USERS, DAYS = 1_200, 40


class Button(UserExperiment):
    """Nothing that anybody sees yet."""

    variants = {"grey": 0.5, "green": 0.5}
    metrics = [
        Conversion(BUYS, goal=0.05),
        Sum("revenue", action=BUYS, property="price"),
        Ratio("buys per visit", numerator=Total(BUYS), denominator=Total(VISITS)),
    ]
    plan = AnalysisPlan(method="welch", correction="none")


@pytest.fixture(scope="module")
def actions(tables: Any) -> Any:
    """40 days of users who come as often as ever; some buy, and one in a thousand very much."""
    chance = random.Random(7)  # noqa: S311
    done: list[dict[str, Any]] = []
    for number in range(USERS):
        often, rich = chance.uniform(0.05, 0.5), 300.0 if number % 600 == 0 else 1.0
        for day in range(DAYS):
            if chance.random() < often:
                user, hour = f"u{number}", 24 * day + chance.random() * 20
                done.append({"user_id": user, "action": VISITS, "hour": hour})
                if chance.random() < often / 2:
                    price = f'{{"price": {rich * chance.lognormvariate(2, 0.5)}}}'
                    done.append(
                        {"user_id": user, "action": BUYS, "hour": hour + 1, "properties": price}
                    )
    return tables([], done)["actions"]


def history_of(
    experiment: type[UserExperiment], actions: Any, *, length: timedelta, before: timedelta
) -> History:
    wanted = Wanted(
        unit_type="user",
        metrics=experiment.declaration.metrics,
        prefix=split_of(experiment.declaration).prefix,
        others={},
        before=before,
        window=None,
        length=length,
    )
    return read_history(wanted, actions, None, progress=lambda *_: None)


@pytest.fixture(scope="module")
def found(actions: Any) -> Rehearsal:
    return rehearse(Button, actions=actions, length=timedelta(days=14), splits=400)


def test_a_test_of_one_look_raises_as_many_false_alarms_as_it_accepts(found: Rehearsal) -> None:
    bought, _, per_visit = found.metrics
    for of in (bought, per_visit):
        assert of.at_any_look is None
        assert of.allowed == pytest.approx(0.05)
        low, high = of.at_end.interval
        assert low <= 0.05 <= high
    assert bought.error_ratio == pytest.approx(1, abs=0.15)
    assert per_visit.error_ratio == pytest.approx(1, abs=0.15)


def test_the_smallest_change_is_that_of_the_formula(found: Rehearsal) -> None:
    bought = found.metrics[0]
    effect = conversion_effect(bought.mean, change=0.05)
    expected = detectable_difference(effect, units=found.units) / bought.mean
    assert bought.detectable == pytest.approx(expected, rel=0.15)


def test_few_units_that_dominate_the_variance_are_named_and_limits_suggested(
    found: Rehearsal,
) -> None:
    revenue = found.metrics[1]
    assert revenue.top_share is not None
    assert revenue.top_share > 0.9
    assert revenue.gains.winsorizing is not None
    assert revenue.gains.winsorizing > 0.5
    assert found.suggestion.limits == ("revenue",)
    assert "revenue" in " ".join(words.warnings(found))


def test_the_suggested_plan_adjusts_for_the_past_and_finds_the_goal(found: Rehearsal) -> None:
    assert found.metrics[0].gains.cuped == pytest.approx(0.06, abs=0.05)
    said = dict(found.suggestion.plan)
    assert said.pop("cuped") == timedelta(days=14)
    assert int(str(said.pop("sample_size"))) > found.units
    assert said == {"method": "welch", "correction": "none"}
    code = words.plan_code(found.suggestion.plan)
    plan = eval(  # noqa: S307 - our own
        code.removeprefix("plan = "), {"AnalysisPlan": AnalysisPlan, "timedelta": timedelta}
    )
    assert plan.given == {*found.suggestion.plan}


def test_the_arms_are_compared_before_anything_is_shown(found: Rehearsal) -> None:
    assert found.before is not None
    assert found.before.days == 14
    assert found.before.differing.of == 400
    assert found.before.differing.interval[0] <= found.before.allowed
    assert found.before.own == ()


def test_a_salt_whose_arms_differ_before_is_told_with_one_whose_arms_are_alike(
    tables: Any,
) -> None:
    users = [f"u{n}" for n in range(600)]
    in_green = [variant == "green" for variant in assign_many(Button, users)]
    done = [
        {"user_id": user, "action": action, "hour": hour + number / 100}
        for number, (user, green) in enumerate(zip(users, in_green, strict=True))
        for hour, action in [(0, VISITS), (240, VISITS), (250, BUYS if number % 3 else VISITS)]
        + ([(24, BUYS)] if green or number % 5 == 0 else [])
    ]

    class Unlucky(Button):
        salt = "Button"
        metrics = [Conversion(BUYS)]

    of = rehearse(Unlucky, actions=tables([], done)["actions"], length=timedelta(days=5), splits=20)
    assert of.before is not None
    assert of.before.own == (BUYS,)
    assert of.before.alike == "Button-2"
    assert len(of.before.salts) == 5
    assert 'Declare salt="Button-2"' in " ".join(words.warnings(of))


def test_the_sequential_test_is_looked_at_every_day(actions: Any) -> None:
    plan = AnalysisPlan(method="sequential", correction="bonferroni")
    of = rehearse(Button, actions=actions, plan=plan, length=timedelta(days=7), splits=40)
    for metric in of.metrics:
        assert metric.at_any_look is not None
        assert metric.at_any_look.count >= metric.at_end.count
        assert not metric.alarms_too_often
    assert of.metrics[1].allowed == pytest.approx(0.05 / 2)


def test_the_split_of_number_0_is_what_the_experiment_gives(actions: Any) -> None:
    class Uneven(Button):
        variants = {"grey": 0.7, "green": 0.2, "red": 0.1}

    history = history_of(Uneven, actions, length=timedelta(days=DAYS), before=timedelta(days=14))
    cut = Cut(variants=("grey", "green", "red"), bounds=split_of(Uneven.declaration).bounds)
    last = sums_of_splits(history, cut, [0]).looks(0)[-1]
    users = sorted(set(actions.column("user_id").to_pylist()))
    given = assign_many(Uneven, users)
    assert {variant: of.n for variant, of in last.items()} == {
        variant: given.count(variant) for variant in cut.variants
    }


def test_the_sums_of_a_split_are_those_of_an_analysis_of_exposures_to_it(
    actions: Any, tables: Any
) -> None:
    length, before = timedelta(days=14), timedelta(days=10)
    history = history_of(Button, actions, length=length, before=before)
    cut = Cut(variants=("grey", "green"), bounds=split_of(Button.declaration).bounds)
    found = sums_of_splits(history, cut, [0]).looks(0)[-1]
    times, users = (actions.column(name).to_pylist() for name in ("time", "user_id"))
    rows = sorted(zip(times, users, strict=True))
    first = {user: time for time, user in reversed(rows) if time >= rows[-1][0] - length}
    exposures = [
        {"experiment": "Button", "salt": "Button", "unit_id": user, "variant": variant, "time": at}
        for (user, at), variant in zip(first.items(), assign_many(Button, [*first]), strict=True)
    ]
    plan = AnalysisPlan(method="welch", cuped=before, over_time=None, novelty=False)
    analysis = Analysis(
        Button, exposures=tables(exposures)["exposures"], actions=actions, plan=plan
    )
    measured = analysis.gather().measured
    for estimand in measured.layout.estimands:
        for variant, expected in measured.sums.items():
            assert found[variant].n == expected.n
            own, theirs = (estimand.moments(of) for of in (found[variant], expected))
            assert own.mean == pytest.approx(theirs.mean, rel=1e-9)
            assert own.variance == pytest.approx(theirs.variance, rel=1e-9)
            past, known = (estimand.covariates(of, overall=of) for of in (found[variant], expected))
            assert past is not None
            assert known is not None
            assert past.with_metric == pytest.approx(known.with_metric, rel=1e-8)


def test_what_a_user_does_counts_for_the_visitor_that_the_user_was(tables: Any) -> None:
    class Headline(VisitorExperiment):
        variants = ["short", "long"]
        metrics = [Conversion(BUYS)]

    visitors = [f"v-{n:032x}" for n in range(300)]
    done = [{"groups": {"visitor": of}, "action": VISITS, "hour": 1} for of in visitors]
    done += [{"user_id": f"u{n}", "action": BUYS, "hour": 2 + n / 100} for n in range(90)]
    linked = pa.table(
        {
            "insert_id": [f"i{n}" for n in range(90)],
            "time": pa.array([START] * 90, pa.timestamp("us", tz="UTC")),
            "from_type": ["visitor"] * 90,
            "from_id": visitors[:90],
            "to_type": ["user"] * 90,
            "to_id": [f"u{n}" for n in range(90)],
        }
    )
    actions = tables([], done)["actions"]
    of = rehearse(Headline, actions=actions, identities=linked, length=timedelta(days=1), splits=20)
    assert of.units == 300
    assert of.deciding.mean == pytest.approx(0.3)


def test_code_that_decides_is_not_run_but_split_with_its_weights(actions: Any) -> None:
    class InCode(UserExperiment):
        control = "a"
        metrics = [Conversion(BUYS)]

        def assign(self, params: Any, user: Any) -> None:
            params.variant = WeightedChoice(choices=["a", "b"], weights=[0.75, 0.25], unit=user.id)

    class Mixed(InCode):
        def assign(self, params: Any, user: Any) -> None:
            params.variant = "a" if user.country == "fr" else "b"

    of = rehearse(InCode, actions=actions, splits=20)
    assert of.design.weights == pytest.approx({"a": 0.75, "b": 0.25})
    assert of.before is not None
    assert of.before.own is None
    assert any("decides in code" in note for note in of.notes)
    with pytest.raises(AnalysisError, match="declare them, such as variants"):
        rehearse(Mixed, actions=actions, splits=20)


def test_different_prices_and_days_are_rehearsed(actions: Any) -> None:
    class Counted(Button):
        metrics = [
            ActiveDays("days", action=VISITS),
            Distinct("prices", action=BUYS, property="price"),
        ]

    days, prices = rehearse(Counted, actions=actions, length=timedelta(days=14), splits=40).metrics
    assert days.mean > prices.mean > 0
    assert days.gains.cuped is not None
    assert days.gains.cuped > 0.1


def test_what_cannot_be_rehearsed_says_why(actions: Any, tables: Any) -> None:
    class Undone(Button):
        metrics = [Conversion("sign up")]

    class Unseen(Button):
        metrics = [Distinct("items", action=BUYS, property="item")]

    class Unmeasured(Button):
        metrics = []

    with pytest.raises(AnalysisError, match="nobody did 'sign up'.*visit and buy"):
        rehearse(Undone, actions=actions)
    with pytest.raises(AnalysisError, match="items is 0 .*no 'buy' has a 'item'"):
        rehearse(Unseen, actions=actions)
    with pytest.raises(AnalysisError, match="declares no metrics"):
        rehearse(Unmeasured, actions=actions)
    with pytest.raises(AnalysisError, match="splits must be 2 to 5,000, not 1"):
        rehearse(Button, actions=actions, splits=1)
    with pytest.raises(AnalysisError, match="power must be above alpha and below 1"):
        rehearse(Button, actions=actions, power=1)
    few = [{"user_id": f"u{n}", "action": BUYS, "hour": n} for n in range(250)]
    with pytest.raises(AnalysisError, match="Only 121 users.*fewer than 200"):
        rehearse(Button, actions=tables([], few)["actions"], length=timedelta(days=5))
    with pytest.raises(AnalysisError, match="no 'buy' has a number.*'price'"):
        rehearse(Button, actions=tables([], few)["actions"], length=timedelta(days=11))
    nobody = tables([], [{"action": BUYS}])["actions"]
    with pytest.raises(EmptyDataError, match="there is no history"):
        rehearse(Button, actions=nobody)


def test_units_count_before_their_window_is_over_and_that_is_said(actions: Any) -> None:
    class Waiting(UserExperiment):
        variants = ["grey", "green"]
        metrics = [Total(BUYS, window=timedelta(days=7), mature_only=True)]
        plan = AnalysisPlan(method="welch", correction="none")

    class Counting(UserExperiment):
        variants = ["grey", "green"]
        metrics = [Total(BUYS, window=timedelta(days=7))]
        plan = AnalysisPlan(method="welch", correction="none")

    waiting, counting = (rehearse(each, actions=actions, splits=5) for each in (Waiting, Counting))
    assert waiting.metrics[0].mean == counting.metrics[0].mean
    assert waiting.notes == (
        "Units whose window is not over count here too, in 'buy'.",
        *counting.notes,
    )
