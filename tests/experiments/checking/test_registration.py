"""How an experiment is judged is written down with the time, and what is changed later is said."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from abkit import (
    ActiveDays,
    AnalysisPlan,
    Conversion,
    Distinct,
    OrgExperiment,
    Quantile,
    Ratio,
    Sum,
    Total,
)
from abkit.cli.group import abkit
from abkit.errors import ConfigError
from abkit.experiments.checking.lock import amended_after_start, compare, read_lock, write_lock
from abkit.experiments.checking.registration import amendments, differences, judged, registered
from abkit.experiments.declaring.exclusion import Exclusion

START = datetime(2026, 11, 2, tzinfo=UTC)


def experiment(**said: Any) -> type[OrgExperiment]:
    given = {
        "variants": ["a", "b"],
        "starts": "2026-11-02",
        "metrics": [Conversion("clicked", goal=0.02), Sum("spent", action="buy", property="price")],
        "plan": AnalysisPlan(sample_size=1_000),
        **said,
    }
    return type("Buttons", (OrgExperiment,), given)


@pytest.mark.parametrize(
    ("said", "what"),
    [
        (
            {"metrics": [Conversion("clicked", goal=0.05), *experiment().metrics[1:]]},
            ["the goal of 'clicked' was changed from 0.02 to 0.05"],
        ),
        (
            {"metrics": experiment().metrics[:1]},
            ["the metric 'spent' was removed"],
        ),
        (
            {"metrics": [*experiment().metrics, Conversion("left", role="guardrail")]},
            ["the metric 'left' was added"],
        ),
        ({"metrics": experiment().metrics[::-1]}, ["the order of the metrics was changed"]),
        (
            {
                "metrics": [
                    Conversion("clicked", goal=0.02, missing="drop"),
                    *experiment().metrics[1:],
                ]
            },
            ["the treatment of missing values of 'clicked' was set to drop"],
        ),
        (
            {
                "metrics": [
                    Conversion(
                        "clicked",
                        goal=0.02,
                        where={"plan": ["pro", "free"]},
                        window=timedelta(days=7),
                        mature_only=True,
                    ),
                    *experiment().metrics[1:],
                ]
            },
            [
                "the condition of 'clicked' was set to prop('plan').in_(['free', 'pro'])",
                "the window of 'clicked' was set to 7 days",
                "the waiting for the window of 'clicked' was set to True",
            ],
        ),
        ({"control": "b"}, ["the control was changed from a to b"]),
        (
            {"plan": AnalysisPlan(sample_size=800, cuped=timedelta(days=14))},
            [
                "the plan's sample size was changed from 1000 to 800",
                "the plan's cuped was set to 14 days",
            ],
        ),
        ({"plan": None}, ["the plan's sample size was removed; it was 1000"]),
        ({"hypothesis": "Blue sells."}, []),
    ],
)
def test_each_change_is_told(said: dict[str, Any], what: list[str]) -> None:
    before, after = judged(experiment().declaration), judged(experiment(**said).declaration)
    found = [each for each in differences(before, after) if "role" not in each]
    assert found == what
    assert differences(after, after) == ()


def test_what_a_metric_tells_apart_is_written_down() -> None:
    def counting(key: str) -> dict[str, Any]:
        seen = Distinct("items seen", action="view", property=key)
        return judged(experiment(metrics=[seen, ActiveDays("visits", action="visit")]).declaration)

    items, pages = counting("item"), counting("page")
    assert items["metrics"]["items seen"]["type"] == "Distinct"
    assert (
        items["metrics"]["visits"] | {"action": "visit", "type": "ActiveDays"}
        == (items["metrics"]["visits"])
    )
    assert list(differences(items, pages)) == [
        "the property of 'items seen' was changed from item to page"
    ]


def test_another_quantile_is_told() -> None:
    def slow(**said: Any) -> type[OrgExperiment]:
        return experiment(metrics=[Quantile("slow", action="load", property="ms", **said)])

    before = judged(slow(q=0.95).declaration)
    assert before["metrics"]["slow"]["type"] == "Quantile"
    told = [*differences(before, judged(slow(q=0.9, per="unit").declaration))]
    assert told == [
        "the q of 'slow' was changed from 0.95 to 0.9",
        "the per of 'slow' was changed from event to unit",
    ]


def test_only_what_differs_is_written_down_again() -> None:
    now = judged(experiment().declaration)
    once = registered([], now, at=START)
    assert registered(once, now, at=START + timedelta(days=3)) == once
    other = judged(experiment(plan=None).declaration)
    twice = registered(once, other, at=START + timedelta(days=3))
    (change,) = amendments(twice)
    assert change.at == START + timedelta(days=3)


def test_a_lock_keeps_the_times_and_says_what_was_changed_after_the_start(tmp_path: Path) -> None:
    path = tmp_path / "experiments.lock.json"
    write_lock(path, [experiment()], at=START - timedelta(days=5))
    early = experiment(plan=AnalysisPlan(sample_size=2_000))
    (change,) = compare(read_lock(path), [early])
    assert change.what == ("the plan's sample size was changed from 1000 to 2000",)
    write_lock(path, [early], read_lock(path), at=START - timedelta(days=1))
    late = experiment(plan=AnalysisPlan(sample_size=500))
    write_lock(path, [late], read_lock(path), at=START + timedelta(days=8, hours=3))
    assert compare(read_lock(path), [late]) == ()
    (said,) = amended_after_start(read_lock(path), [late])
    assert said == (
        "Buttons: the plan's sample size was changed from 2000 to 500 on day 9, 2026-11-10, after the "
        "experiment had started"
    )


def test_a_wider_margin_is_told_with_its_day(tmp_path: Path) -> None:
    path = tmp_path / "experiments.lock.json"
    for day, margin in ((-1, 0.02), (8, 0.05)):
        guard = Conversion("errors", direction="decrease", role="guardrail", margin=margin)
        declared = experiment(metrics=[*experiment().metrics, guard])
        before = read_lock(path) if path.exists() else {}
        write_lock(path, [declared], before, at=START + timedelta(days=day))
    (said,) = amended_after_start(read_lock(path), [declared])
    assert "the margin of 'errors' was changed from 0.02 to 0.05 on day 9" in said


CONFIG = """
from abkit import AnalysisPlan, Conversion, OrgExperiment

class Buttons(OrgExperiment):
    variants = ["a", "b"]
    starts = "2020-01-01"
    metrics = [Conversion("clicked", goal={goal})]

ACTIVE_EXPERIMENTS = [Buttons]
"""


def test_the_command_reports_a_change_that_was_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, goal in enumerate((0.02, 0.05)):
        (tmp_path / f"declared{number}.py").write_text(CONFIG.format(goal=goal))
        arguments = ["check", "--config", f"declared{number}", "--update"]
        assert CliRunner().invoke(abkit, arguments).exit_code == 0
    said = CliRunner().invoke(abkit, ["check", "--config", "declared1"])
    assert said.exit_code == 0
    assert (
        "notice   Buttons: the goal of 'clicked' was changed from 0.02 to 0.05 on day"
        in said.output
    )


def test_what_is_written_down_is_the_same_in_every_run() -> None:
    units = {f"unit {number}" for number in range(50)}
    plan = AnalysisPlan(exclude=[Exclusion(name="staff", units=units)])
    written = judged(experiment(plan=plan).declaration)["plan"]["exclude"]
    assert written == [
        {"type": "Exclusion", "name": "staff", "units": sorted(units), "values": [], "contains": []}
    ]


def test_a_lock_without_it_is_no_difference(tmp_path: Path) -> None:
    path = tmp_path / "experiments.lock.json"
    write_lock(path, [experiment()], at=START)
    old = {
        name: {k: v for k, v in e.items() if k != "judged"} for name, e in read_lock(path).items()
    }
    assert compare(old, [experiment(plan=None)]) == ()


def test_a_time_without_a_zone_is_utc() -> None:
    states = [
        {"at": "2026-11-01T00:00:00", **judged(experiment().declaration)},
        {"at": "2026-11-04T00:00:00", **judged(experiment(control="b").declaration)},
    ]
    assert [each.at for each in amendments(states)] == [START + timedelta(days=2)]


@pytest.mark.parametrize(
    "experiments", ["[]", '{"A": 5}', '{"A": {"judged": [5]}}', '{"A": {"judged": {"x": 1}}}']
)
def test_a_lock_of_another_form_is_refused_in_words(experiments: str, tmp_path: Path) -> None:
    path = tmp_path / "experiments.lock.json"
    path.write_text(f'{{"version": 1, "experiments": {experiments}}}')
    with pytest.raises(ConfigError, match="restore it, or delete it and write it anew"):
        read_lock(path)


def test_locks_from_before_missing_values_and_windows_stay_as_they_are() -> None:
    rate = Ratio("rate", numerator=Conversion("clicked"), denominator=Total("seen"))
    written = judged(experiment(metrics=[Conversion("clicked"), rate], plan=None).declaration)
    assert not any(name in json.dumps(written) for name in ("missing", "mature_only", "window"))


def test_an_action_may_be_called_error() -> None:
    said = judged(experiment(metrics=[Conversion("failed", action="error")]).declaration)
    assert said["metrics"]["failed"]["action"] == "error"
    assert "missing" not in said["metrics"]["failed"]
