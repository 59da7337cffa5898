"""`abkit power`: units and days before an experiment."""

import json

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
