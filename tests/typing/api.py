"""What type checkers know of the public API; checked by mypy and pyright, never run."""

from collections.abc import Mapping
from typing import Literal, assert_type

from abkit import (
    Assignment,
    ExperimentManager,
    OrgExperiment,
    Params,
    UserExperiment,
    WeightedChoice,
    expt_manager,
    force,
)


class Texts(OrgExperiment):
    variants = {"0": 0.5, "1": 0.5}


class Numbers(UserExperiment):
    variants = {0: 1, 1: 3}


class Names(UserExperiment):
    variants = ["a", "b"]


class Exact(OrgExperiment):
    variants: Mapping[Literal["off", "on"], float] = {"off": 1, "on": 1}


class InCode(OrgExperiment):
    def default_value(self) -> str:
        return "0"

    def assign(self, params: Params, org: object) -> None:
        params.variant = WeightedChoice(choices=["0", "1"], weights=[0.5, 0.5], unit=org)


assert_type(expt_manager, ExperimentManager)
assert_type(expt_manager.get(Texts, org=1), str)
assert_type(expt_manager.get(Numbers, user=1), int)
assert_type(expt_manager.get(Names, user=1), str)
assert_type(expt_manager.get(Exact, org=1), Literal["off", "on"])
assert_type(expt_manager.assign(InCode, org=1), Assignment)
expt_manager.log_exposure("Texts", org=1, actor=object(), properties={"page": 3})


@force("Texts", "1")
def double(number: int) -> int:
    return 2 * number


assert_type(double(4), int)
