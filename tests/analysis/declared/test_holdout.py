"""What was shipped is compared with those who got none of it."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from abkit import (
    AnalysisError,
    AnalysisPlan,
    Conversion,
    Experiment,
    ExperimentManager,
    ExposureLogger,
    Holdout,
    OrgExperiment,
    UserExperiment,
)
from abkit.analysis import Analysis, holdout_design
from abkit.sinks.files import FileSink

Q3 = Holdout("q3", 0.3, metrics=[Conversion("signed up")], hypothesis="All of it helps.")


def under(
    name: str, base: type[Experiment] = UserExperiment, **attributes: Any
) -> type[Experiment]:
    return type(name, (base,), {"variants": ["old", "new"], "holdouts": [Q3], **attributes})


SEARCH, CART = under("Search"), under("Cart")
OTHER = under("Other", holdouts=[])


def test_the_design_is_the_holdout_s() -> None:
    design = holdout_design(Q3, [SEARCH, OTHER, CART.declaration])
    assert (design.name, design.salt, design.unit_type) == ("q3", "q3", "user")
    assert (design.control, design.weights) == ("holdout", {"holdout": 0.3, "shipped": 0.7})
    assert (design.metrics, design.hypothesis) == (Q3.metrics, "All of it helps.")
    assert design.holdout_of == ("Search", "Cart")
    assert holdout_design("q3", [SEARCH, CART]) == design


def test_of_several_unit_types_one_is_compared() -> None:
    both = [SEARCH, under("Plugins", OrgExperiment)]
    with pytest.raises(AnalysisError) as refused:
        holdout_design(Q3, both)
    assert str(refused.value) == (
        "The experiments of the holdout 'q3' randomize user and org, which are compared separately; "
        "choose one: unit_type='user', --unit-type user or unit_type='org', --unit-type org"
    )
    with pytest.raises(AnalysisError, match="randomize user and org, and none of them team"):
        holdout_design(Q3, both, unit_type="team")
    design = holdout_design(Q3, both, unit_type="org")
    assert (design.unit_type, design.holdout_of) == ("org", ("Plugins",))


@pytest.mark.parametrize(
    ("holdout", "declared", "says"),
    [
        ("q33", Q3, "No experiment declares the holdout 'q33'. Did you mean 'q3'?"),
        ("autumn", Q3, "No experiment declares the holdout 'autumn'. There is 'q3'."),
        ("q3", None, "There is none at all."),
        ("bare", Holdout("bare", 0.1), "The holdout 'bare' declares no metrics; say"),
        ("none", Holdout("none", 0, metrics=Q3.metrics), "keeps nobody out"),
        ("all", Holdout("all", 1, metrics=Q3.metrics), "keeps everybody out"),
        (Holdout("q3", 0.1, metrics=Q3.metrics), Q3, "an experiment declares it as"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    holdout: Holdout | str, declared: Holdout | None, says: str
) -> None:
    holdouts = [] if declared is None else [declared]
    with pytest.raises(AnalysisError) as refused:
        holdout_design(holdout, [under("Search", holdouts=holdouts)])
    assert says in str(refused.value)


def test_the_comparison_finds_the_sum_of_what_two_experiments_have_shipped(tmp_path: Path) -> None:
    random, now = Random(5), 1.7e9  # noqa: S311
    with ExposureLogger(FileSink(tmp_path, format="jsonl")) as logger:
        manager = ExperimentManager(on_event=logger, strict=True, clock=lambda: now)
        manager.add(SEARCH)
        manager.add(CART)
        manager.use_settings({"Search": {"winner": "new"}, "Cart": {"winner": "new"}})
        for user in range(4000):
            now, rate = 1.7e9 + 200 * user, 0.5
            for experiment in (SEARCH, CART):
                rate += 0.1 * (manager.get(experiment, user=user) == "new")
                manager.log_exposure(experiment, user=user)
            if random.random() < rate:
                now += 0.5
                manager.track("signed up", user=user)
    places = {name: str(tmp_path / name) for name in ("exposures", "actions")}
    design = holdout_design(Q3, [SEARCH, CART])
    result = Analysis(design, **places, plan=AnalysisPlan(confidence=0.9)).run()
    assert not result.sample_ratio.alarm
    assert {each.variant: each.units for each in result.counts}.keys() == {"holdout", "shipped"}
    assert result.units == 4000
    (shipped,) = result.deciding.treatments
    assert shipped.comparison is not None
    found = shipped.comparison.interval
    assert 0.1 < found.low < 0.2 < found.high < 0.3
    document: dict[str, Any] = result.to_dict()
    assert document["holdout_of"] == ["Search", "Cart"]
    assert document["recommendation"]["command"] is None
    text = result.to_text()
    assert "all that was shipped by Search, Cart" in text
    assert "end the holdout, and keep what was shipped" in text
