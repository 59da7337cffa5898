"""Experiments that are right by themselves can be wrong together."""

from typing import Any

import pytest

from abkit import Experiment, Layer, OrgExperiment
from abkit.experiments.check import problems, settings_problems

LAYER = Layer("layer", size=10)


def declared(class_name: str = "One", **attributes: Any) -> type[Experiment]:
    return type(class_name, (OrgExperiment,), {"variants": ["0", "1"], **attributes})


def test_experiments_that_are_right_have_no_problem() -> None:
    assert problems([declared(), declared("Two", ends="2030-01-01")], now=0) == ()


@pytest.mark.parametrize(
    ("experiments", "says"),
    [
        ([declared(), "Two"], "ACTIVE_EXPERIMENTS has 'Two'"),
        ([OrgExperiment], "OrgExperiment: is a base class"),
        ([declared(), declared()], "One: is the name of two"),
        ([declared(), declared("Two", salt="One")], "One and Two: have one salt, 'One'"),
        ([declared(ends="1999-12-31")], "One: ended on 1999-12-31"),
        (
            [declared(layer=LAYER, slots=range(5)), declared("Two", layer=LAYER, slots=[4, 5])],
            "Two: claims 1 slots",
        ),
    ],
)
def test_each_problem_is_named(experiments: list[Any], says: str) -> None:
    (problem,) = problems(experiments, now=1e9)
    assert problem.startswith(says)


def test_settings_are_held_against_the_experiments() -> None:
    found = settings_problems([declared()], {"Gone": {"enabled": False}, "One": {"winner": "2"}})
    assert [text.split(",")[0] for text in found] == [
        "the settings name Gone",
        "the settings of One: has the variants '0'",
    ]
