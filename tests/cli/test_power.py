"""`abkit power`: units and days before an experiment."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from abkit.cli.group import abkit


def power(*options: str) -> Result:
    return CliRunner().invoke(abkit, ["power", *options])


@pytest.mark.parametrize(
    ("rate", "confidence", "per_arm"),
    [
        ("0.1", "0.95", 57_760),
        ("0.2", "0.95", 25_580),
        ("0.1", "0.9", 45_498),
        ("0.2", "0.9", 20_149),
    ],
)
def test_it_gives_the_reference_sizes_of_a_conversion_rate(
    rate: str, confidence: str, per_arm: int
) -> None:
    answer = power("--rate", rate, "--goal", "0.05", "--confidence", confidence, "--json")
    assert json.loads(answer.stdout)["per_arm"] == per_arm


def test_a_mean_needs_the_textbooks_size() -> None:
    """2 (z + z)² sd² / d², with z = 1.96 and 0.8416: 16 times the squared sd over the difference."""
    found = json.loads(power("--mean", "10", "--sd", "20", "--goal", "0.1", "--json").stdout)
    assert found == {"per_arm": 6_280, "units": 12_560, "days": None, "difference": 1.0}


def test_several_treatments_share_the_level_and_each_needs_an_arm() -> None:
    two = json.loads(power("--rate", "0.1", "--goal", "0.05", "--json").stdout)
    four = json.loads(power("--rate", "0.1", "--goal", "0.05", "--variants", "4", "--json").stdout)
    assert four["per_arm"] > 1.3 * two["per_arm"]
    assert four["units"] == 4 * four["per_arm"]


def test_days_follow_from_the_units_a_day() -> None:
    answer = power("--rate", "0.2", "--goal", "0.05", "--units-per-day", "1000")
    assert answer.exit_code == 0
    assert "25,580 units per variant, 51,160 of all 2 variants" in answer.stdout
    assert "52 days at 1,000 units a day" in answer.stdout


def test_a_fall_is_looked_for_with_a_negative_goal() -> None:
    assert "to find -0.05 relative (-0.005)" in power("--rate", "0.1", "--goal", "-0.05").stdout


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--goal", "0.1"], "Give either --rate, or --mean and --sd"),
        (["--goal", "0.1", "--mean", "3"], "Give either --rate, or --mean and --sd"),
        (["--goal", "0.1", "--rate", "0.1", "--mean", "3"], "Give either --rate"),
        (["--goal", "0", "--rate", "0.1"], "'--goal': must be a number other than 0, not 0.0"),
        (["--goal", "nan", "--rate", "0.1"], "'--goal': must be a number other than 0"),
        (["--goal", "0.1", "--mean", "3", "--sd", "-1"], "'--sd': must be a number above 0"),
        (["--goal", "0.1", "--rate", "2"], "A conversion rate must be between 0 and 1"),
        (["--goal", "0.1", "--rate", "0.5", "--power", "3"], "power must be above alpha"),
        (
            ["--goal", "0.1", "--rate", "0.5", "--confidence", "40"],
            "'--confidence': must be at least 0.5",
        ),
        (["--goal", "0.1", "--mean", "1", "--sd", "1e200"], "is too small to be found"),
        (["--rate", "0.1"], "Missing option '--goal'"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_one_line(options: list[str], problem: str) -> None:
    answer = power(*options)
    assert answer.exit_code == 2
    assert problem in answer.stderr


@pytest.mark.parametrize("confidence", ["0.95", "95", "95%"])
@pytest.mark.parametrize("share", ["0.8", "80", "80%"])
def test_shares_may_be_typed_in_percent(confidence: str, share: str) -> None:
    said = ("--rate", "20%", "--goal", "5%", "--confidence", confidence, "--power", share)
    answer = power(*said)
    assert "25,580 units per variant" in answer.stdout
    assert "with power 80% at 95% confidence" in answer.stdout


def test_a_confidence_is_not_rounded_up_to_certainty() -> None:
    answer = power("--rate", "0.2", "--goal", "0.05", "--confidence", "99.9%")
    assert "at 99.9% confidence" in answer.stdout


MODULE = """\
from datetime import timedelta

from abkit import Conversion, Ratio, Sum, Total, UserExperiment
from abkit.analysis import AnalysisPlan

class Planned(UserExperiment):
    variants = {{"0": 0.8, "1": 0.2}}
    metrics = [
        Conversion("buy", goal=0.2),
        Ratio(
            "paid per visit",
            numerator=Sum("buy", property="price"),
            denominator=Total("visit"),
            goal=0.1,
        ),
        Conversion("visit"),
    ]
    plan = AnalysisPlan({plan})

class NoMetrics(UserExperiment):
    variants = ["a", "b"]

ACTIVE_EXPERIMENTS = [Planned, NoMetrics]
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The name of a module whose experiment has a plan."""
    name = f"planned_{abs(hash(request.node.name))}"
    plan = getattr(request, "param", "sample_size=50_000, min_days=14")
    (tmp_path / f"{name}.py").write_text(MODULE.format(plan=plan), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Ten days of 40 new users each, who visit twice; every fourth buys."""
    folder = tmp_path_factory.mktemp("events")
    (folder / "actions").mkdir()
    with (folder / "actions" / "all.jsonl").open("w", encoding="utf-8") as lines:
        for n in range(400):
            day, minute = 1 + n // 40, n % 40
            done: list[tuple[str, int, dict[str, int]]] = [("visit", 1, {}), ("visit", 5, {})]
            if n % 4 == 0:
                done.append(("buy", 3, {"price": 10 + n % 8}))
            for action, hour, properties in done:
                time = f"2026-03-{day:02}T{hour:02}:{minute:02}:00Z"
                record = {"action": action, "user_id": f"u{n}", "time": time, "groups": {}}
                lines.write(json.dumps({**record, "properties": properties}) + "\n")
    return str(folder)


def test_the_declared_plan_is_computed(module: str) -> None:
    """The sequential test, of 80/20, with the goal of the deciding metric, looked at every day."""
    answer = power("Planned", "--config", module, "--rate", "25%", "--per-day", "700")
    assert answer.exit_code == 0, answer.stderr
    assert "+0.2 relative (+0.05) in buy with power 80% by the sequential test" in answer.stdout
    assert "looked at daily, at 95% confidence (two-sided)" in answer.stdout
    assert "The planned sample size of 50,000 is enough." in answer.stdout
    assert "on average" in answer.stdout
    assert "The plan rolls out nothing before 14 days are over." in answer.stdout


def test_options_are_over_the_plan(module: str) -> None:
    said = ("--method", "welch", "--alternative", "one-sided", "--confidence", "90%")
    of = ("Planned", "--config", module, "--rate", "25%", "--goal", "10%")
    found = json.loads(power(*of, *said, "--json").stdout)
    assert found["method"] == "welch"
    assert (found["confidence"], found["alternative"]) == (0.9, "one-sided")
    (metric,) = found["metrics"]
    assert metric["goal"] == 0.1
    assert metric["per_arm"]["0"] == pytest.approx(4 * metric["per_arm"]["1"], abs=4)
    even = json.loads(power(*of, *said, "--variants", "2", "--json").stdout)["metrics"][0]
    assert even["units"] < 0.7 * metric["units"]


@pytest.mark.parametrize(
    "module",
    ["method='group-sequential', sample_size=20_000, looks=3, spending='pocock'"],
    indirect=True,
)
def test_planned_looks_are_shown_with_their_bounds(module: str) -> None:
    of = ("Planned", "--config", module, "--rate", "25%")
    shown = power(*of, "--per-day", "500").stdout
    assert "by the group sequential test, with 3 planned looks" in shown
    assert "stops at |z|" in shown
    assert "if there is none, after" in shown
    (metric,) = json.loads(power(*of, "--looks", "2", "--json").stdout)["metrics"]
    assert len(metric["looks"]) == 2
    assert metric["mean_units"] < metric["mean_units_without_effect"] < metric["units"]


def test_a_simulated_size_says_its_error() -> None:
    answer = power("--rate", "10%", "--goal", "20%", "--method", "bayesian")
    assert "The units are simulated; their standard error is 0.2% of them." in answer.stdout


def test_the_metrics_are_measured_in_ones_own_events(module: str, events: str) -> None:
    of = ("Planned", "--config", module, "--from-events", events)
    answer = power(*of)
    assert answer.exit_code == 0, answer.stderr
    shown = answer.stdout
    assert "Measured: 400 units in 9 days" in shown
    assert "of type user that did something: Planned has no exposures yet" in shown
    assert "visit declares no goal: give --goal, or declare one." in shown
    bought, paid = json.loads(power(*of, "--json").stdout)["metrics"]
    assert (bought["metric"], bought["mean"]) == ("buy", 0.25)
    assert paid["mean"] == pytest.approx(12 / 4 / 2)
    assert bought["units_per_day"] == pytest.approx(43, abs=2)
    one = power(*of, "--metric", "paid per visit", "--days", "5", "--json")
    (metric,) = json.loads(one.stdout)["metrics"]
    assert metric["metric"] == "paid per visit"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["Planned"], "Give either --rate, or --mean and --sd"),
        (["Planned", "--mean", "3", "--sd", "4"], "buy needs --rate"),
        (["Planned", "--rate", "0.1", "--metric", "b"], "Planned has no metric 'b'; it has buy"),
        (["Planned", "--mean", "1", "--sd", "1", "--metric", "paid per visit"], ""),
        (["NoMetrics", "--rate", "0.1"], "NoMetrics declares no metrics"),
        (["Nobody", "--rate", "0.1"], "No experiment named 'Nobody'"),
        (["Planned", "--rate", "0.1", "--metric", "visit"], "visit declares no goal"),
        (["Planned", "--from-events", "x", "--rate", "0.1"], "leave out --rate"),
    ],
)
def test_what_an_experiment_does_not_say_is_asked_for(
    module: str, options: list[str], problem: str
) -> None:
    answer = power(*options, "--config", module)
    assert answer.exit_code == (2 if problem else 0)
    assert problem in answer.stderr


def test_events_that_cannot_say_anything_are_refused(
    module: str, events: str, tmp_path: Path
) -> None:
    (tmp_path / "exposures").mkdir()
    of = ("power", "Planned", "--config", module, "--from-events")
    answer = CliRunner().invoke(abkit, [*of, str(tmp_path)])
    assert "has no actions: no metric can be measured" in answer.stderr
    answer = CliRunner().invoke(abkit, [*of, events, "--metric", "visit"])
    assert "visit declares no goal: give --goal, or declare one" in answer.stderr


def test_the_numbers_of_a_simulated_size_have_its_error() -> None:
    said = ("--rate", "10%", "--goal", "20%", "--method", "bayesian", "--json")
    assert 0.001 < json.loads(power(*said).stdout)["relative_error"] < 0.003


@pytest.mark.parametrize("option", ["--from-events", "--metric", "--cuped"])
def test_some_options_need_an_experiment(option: str) -> None:
    answer = power("--rate", "0.1", "--goal", "0.1", option, "7")
    assert answer.exit_code == 2
    assert f"{option} goes with the NAME of an experiment" in answer.stderr


GUARDED = """\
from abkit import Conversion, UserExperiment

class Guarded(UserExperiment):
    variants = ["a", "b"]
    metrics = [
        Conversion("buy", goal=0.2),
        Conversion("visit", role="guardrail", direction="decrease", margin=0.05),
    ]

ACTIVE_EXPERIMENTS = [Guarded]
"""


def test_a_margin_is_to_be_ruled_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: str
) -> None:
    (tmp_path / "guarded_by_a_margin.py").write_text(GUARDED, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    of = ("Guarded", "--config", "guarded_by_a_margin")
    typed = power(*of, "--metric", "visit", "--rate", "20%", "--method", "welch")
    assert "+0.05 (margin)" in typed.stdout
    assert "52,808 units rule out +0.05 relative (+0.01) in visit" in typed.stdout
    sequential = power(*of, "--metric", "visit", "--rate", "20%", "--per-day", "5000")
    assert "it rules it out after" in sequential.stdout
    changed = power(*of, "--metric", "visit", "--rate", "20%", "--goal", "0.05", "--json")
    assert not json.loads(changed.stdout)["metrics"][0]["rules_out"]
