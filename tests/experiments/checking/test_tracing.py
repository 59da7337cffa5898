"""What an assign() can give is found by running it."""

from typing import Any

import pytest

from abkit import (
    BernoulliTrial,
    Experiment,
    OrgExperiment,
    Params,
    RandomFloat,
    RandomInteger,
    ScriptExperiment,
    UniformChoice,
    UserExperiment,
    WeightedChoice,
)
from abkit.experiments.checking.check import problems
from abkit.experiments.checking.tracing import Traced, traced

WEIGHT_VARIANT = 0.1


class settings:
    IS_TEST = False


class ShowPluginsExperiment(OrgExperiment):
    """The class of the document that the project was started from."""

    def default_value(self) -> str:
        return "0"

    def assign(self, params: Params, org: Any, actor: Any) -> None:
        if settings.IS_TEST or org.slug == "sentry":
            params.variant = "1"
        else:
            params.variant = WeightedChoice(
                choices=["0", "1"], weights=[1 - WEIGHT_VARIANT, WEIGHT_VARIANT], unit=org.id
            )


class ByCoin(OrgExperiment):
    control = "a"

    def assign(self, params: Params, org: Any) -> None:
        params.on = BernoulliTrial(p=0.5, unit=org.id)
        params.share = RandomFloat(min=0, max=1, unit=org.id)
        params.variant = "b" if params.on else "a"
        if org.plan.seats > 10 and params.share < 0.3:
            params.variant = "c"


class ByKeyword(UserExperiment):
    control = 0

    def assign(self, params: Params, *, user: Any, actor: Any = None) -> bool | None:
        if user.age < 18 or actor is None:
            return False
        params.variant = BernoulliTrial(p=0.25, unit=user.id)
        return None


class OfSix(UserExperiment):
    control = 1

    def assign(self, params: Params, user: Any) -> None:
        params.variant = RandomInteger(min=1, max=6, unit=user.id)


class ByHelper(ShowPluginsExperiment):
    def assign(self, params: Params, org: Any, actor: Any) -> None:
        if org.slug in ("ours", "theirs"):
            params.variant = "2"
        else:
            super().assign(params, org, actor)


class Fails(OrgExperiment):
    control = "0"

    def assign(self, params: Params, org: Any) -> None:
        raise ZeroDivisionError


class OfAnAttribute(Fails):
    def assign(self, params: Params, org: Any) -> None:
        params.variant = org.plan


class OfAText(Fails):
    def assign(self, params: Params, org: Any) -> None:
        params.variant = f"plan {org.plan}"


class OfASet(Fails):
    def assign(self, params: Params, org: Any) -> None:
        params.variant = "1" if org.slug in {"ours"} else "0"


class NeverEnds(Fails):
    def assign(self, params: Params, org: Any) -> None:
        while org.parent:
            org = org.parent
        params.variant = "1"


class Scripted(ScriptExperiment, OrgExperiment):
    control = "0"
    inputs = {"unit": "org"}
    script = {
        "op": "set",
        "var": "variant",
        "value": {
            "op": "uniformChoice",
            "choices": ["0", "1"],
            "unit": {"op": "get", "var": "unit"},
        },
    }


class ByParity(OrgExperiment):
    control = "even"

    def assign(self, params: Params, org: Any) -> None:
        params.variant = "odd" if org.id % 2 else "even"


@pytest.mark.parametrize(
    ("experiment", "expected"),
    [
        (ShowPluginsExperiment, Traced(("0", "1"), (0.9, 0.1), randomizes=True)),
        (ByCoin, Traced(("a", "b", "c"), None, randomizes=True)),
        (ByKeyword, Traced((0, 1), (0.75, 0.25), randomizes=True)),
        (OfSix, Traced((1, 2, 3, 4, 5, 6), (1.0,) * 6, randomizes=True)),
        (ByHelper, Traced(("0", "1", "2"), (0.9, 0.1), randomizes=True)),
        (ByParity, Traced(("even", "odd"), None, randomizes=False)),
    ],
)
def test_all_that_the_code_can_give_is_found(experiment: type[Experiment], expected: Any) -> None:
    found = traced(experiment)
    assert found is not None
    assert found._replace(variants=tuple(sorted(found.variants))) == expected


@pytest.mark.parametrize("experiment", [Fails, OfAnAttribute, OfAText, OfASet, NeverEnds, Scripted])
def test_where_it_cannot_be_found_out_check_asks_for_the_variants(
    experiment: type[Experiment],
) -> None:
    assert traced(experiment) is None
    (problem,) = problems([experiment])
    assert "declare them, variants =" in problem


def test_check_says_that_code_without_a_random_operator_exposes_nobody() -> None:
    (problem,) = problems([ByParity])
    assert "own_randomization = True" in problem
    assert problems([type("Own", (ByParity,), {"own_randomization": True})]) == ()
    assert problems([ShowPluginsExperiment, ByCoin, ByKeyword]) == ()


def test_a_declared_experiment_is_not_run() -> None:
    assert traced(type("Declared", (OrgExperiment,), {"variants": ["0", "1"]})) is None


def test_choices_of_a_mapping_stay_unknown() -> None:
    class Mixed(OrgExperiment):
        control = "0"

        def assign(self, params: Params, org: Any) -> None:
            params.variant = UniformChoice(choices=[{"a": 1}, "0"], unit=org.id)

    assert traced(Mixed) is None
