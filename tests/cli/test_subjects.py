"""`--set` describes what the code of an experiment looks at."""

from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.cli.failing import CommandError
from abkit.cli.subjects import Described, Setting, set_option, subjects_by, told, unit_of, value_of
from abkit.errors import ConfigError
from abkit.experiments.declaring.subjects import unit_id_of

from ..handbook import WEIGHTS, write_module
from .shop_project import abkit

ORGS, USERS = "ShowPluginsExperiment", "OnboardingExperiment"
CONFIG = ("--config", "handbook_config")


def parsed(*texts: str) -> tuple[Setting, ...]:
    @click.command()
    @set_option
    def command(settings_of_subjects: tuple[Setting, ...]) -> tuple[Setting, ...]:
        return settings_of_subjects

    arguments = [part for text in texts for part in ("--set", text)]
    found: tuple[Setting, ...] = command.main(arguments, standalone_mode=False)
    return found


def subjects(*texts: str, unit_type: str = "org", unit_id: str = "7") -> dict[str, Any]:
    return subjects_by(parsed(*texts), unit_type)(unit_id)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("acme", "acme"),
        ("", ""),
        ("a=b", "a=b"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("None", None),
        ("42", 42),
        ("-1.5", -1.5),
        ("007", "007"),
        ('"42"', "42"),
        ('["a", "b"]', ["a", "b"]),
        ('{"plan": "pro"}', {"plan": "pro"}),
        ("NaN", "NaN"),
        ("[" * 100_000, "[" * 100_000),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_values_are_texts_except_what_json_has(text: str, value: object) -> None:
    assert (value_of(text), type(value_of(text))) == (value, type(value))


@given(st.text(min_size=1))
def test_every_text_is_some_value_and_some_unit(text: str) -> None:
    value_of(text)
    assert unit_id_of(unit_of(text)) in (text, value_of(text))


@pytest.mark.parametrize(
    ("text", "unit"),
    [("42", 42), ('"42"', "42"), ("007", "007"), ("-0", "-0"), ("true", "true"), ("1.5", "1.5")],
)
def test_a_unit_is_a_whole_number_or_a_text(text: str, unit: object) -> None:
    assert (unit_of(text), type(unit_of(text))) == (unit, type(unit))


def test_attributes_may_be_nested_and_methods() -> None:
    found = subjects("org.owner.email=a@b.c", "org.is_beta()=true", "actor.id=3", "is_mobile=true")
    assert (found["org"].id, found["org"].owner.email) == ("7", "a@b.c")
    assert found["org"].is_beta("plugins", actor=None) is True
    assert (found["actor"].id, found["is_mobile"]) == (3, True)


def test_a_unit_of_which_nothing_is_set_is_its_bare_id() -> None:
    assert subjects("actor.email=a@b.c")["org"] == "7"
    assert subjects() == {"org": "7"}


def test_the_actor_of_an_experiment_on_users_is_the_user() -> None:
    found = subjects("actor.email=a@b.c", "user.name=Ann", "org.slug=acme", unit_type="user")
    assert {*found} == {"user", "org"}
    assert (found["user"].id, found["user"].email, found["user"].name) == ("7", "a@b.c", "Ann")
    other = subjects("actor.id=8", "user.name=Ann", unit_type="user")
    assert (other["user"].id, other["actor"].id) == ("7", 8)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["slug"], "must be SUBJECT.ATTRIBUTE=VALUE, such as org.slug=acme"),
        (["=x"], "must be SUBJECT.ATTRIBUTE=VALUE"),
        (["org..slug=x"], "must be SUBJECT.ATTRIBUTE=VALUE"),
        (["org.slug()()=x"], "must be SUBJECT.ATTRIBUTE=VALUE"),
        (["org.slug=x", "org.slug()=y"], "gives org.slug twice"),
        (["org.slug=x", "org.slug.more=y"], "gives slug a value and attributes"),
        (["org.slug.more=y", "org.slug=x"], "gives org.slug twice"),
        (["org.id=3"], "the org is the unit, whose id is not --set"),
        (["org=3"], "the org is the unit, whose id is not --set"),
    ],
)
def test_what_cannot_be_meant_is_refused(texts: list[str], says: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        subjects(*texts)
    assert says in caught.value.format_message()


def test_whatever_code_raises_is_one_line() -> None:
    org: Any = Described("org", {"owner": Described("org.owner", {})})
    with pytest.raises(CommandError, match="asks for org.owner.email: pass --set org.o"), told("X"):
        org.owner.email  # noqa: B018
    with pytest.raises(CommandError, match=r"ZeroDivisionError: .* \(test_subjects"), told("X"):
        1 / 0  # noqa: B018
    with pytest.raises(ConfigError), told("X"):
        raise ConfigError


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("name", [ORGS, USERS])
def test_assign_and_simulate_show_the_handbooks_experiments(
    tmp_path: Path, name: str, weight: float
) -> None:
    write_module(tmp_path, weight)
    for command in (("assign", name, "1"), ("simulate", name, "--units", "10")):
        (error,) = abkit(tmp_path, *command, *CONFIG, code=2).stderr.strip().splitlines()
        assert error == (
            f"Error: {name}: assign() asks for org.slug: pass --set org.slug=VALUE, or, if it is a "
            "method, --set 'org.slug()=VALUE'"
        )
    acme = (*CONFIG, "--set", "org.slug=acme", "--set", "actor.email=ann@example.com")
    assert "assigned" in abkit(tmp_path, "assign", name, "1", *acme).stdout
    sentry = (*CONFIG, "--set", "org.slug=sentry")
    assert "forced" in abkit(tmp_path, "assign", name, "1", *sentry).stdout
    shown = abkit(tmp_path, "simulate", name, "--units", "4000", *acme).stdout.splitlines()
    assert shown[0].split()[:3] == ["variant", "units", "share"]
    shares = {line.split()[0]: float(line.split()[2].rstrip("%")) / 100 for line in shown[1:]}
    assert abs(shares["1"] - weight) < 4 * (weight * (1 - weight) / 4000) ** 0.5


def test_the_other_commands_work_for_the_handbooks_experiments(tmp_path: Path) -> None:
    module = write_module(tmp_path, 0.1)
    settings = (*CONFIG, "--settings", "live.toml")
    assert "holds 2 experiments" in abkit(tmp_path, "check", "--update", *CONFIG).stdout
    assert "2 experiments are right" in abkit(tmp_path, "check", *CONFIG).stdout
    assert "OnboardingExperiment" in abkit(tmp_path, "list", *CONFIG).stdout
    abkit(tmp_path, "typescript", "--out", "front", *CONFIG)
    assert (tmp_path / "front" / "experimentConfig.ts").read_text().count(
        "assignments: ['0', '1'],\n    defaultValue: '0',"
    ) == 2
    refused = abkit(tmp_path, "rollout", ORGS, "--variant", "2", "--yes", *settings, code=2)
    assert "has the variants '0', '1', not '2'" in refused.stderr
    abkit(tmp_path, "rollout", ORGS, "--variant", "1", "--yes", *settings)
    shown = abkit(tmp_path, "assign", ORGS, "1", *settings).stdout
    assert shown.splitlines()[1].split() == ["1", "1", "inactive"]
    abkit(tmp_path, "rollback", ORGS, "--yes", *settings)
    assert abkit(tmp_path, "assign", ORGS, "1", *settings).stdout.splitlines()[1].split()[1] == "0"
    (tmp_path / "live.toml").write_text(f'[{ORGS}]\nwinner = "2"\n')
    assert f"the settings of {ORGS}: has the" in abkit(tmp_path, "check", *settings, code=1).stdout
    module.write_text(
        module.read_text().replace("(self, params, org, actor)", "(self, params, a, b)")
    )
    wrong = abkit(tmp_path, "check", *CONFIG, code=1).stdout
    assert "assign() asks for a and b, and no call can tell which of them is the org" in wrong


def test_check_sees_weights_that_stand_outside_of_assign(tmp_path: Path) -> None:
    write_module(tmp_path, 0.01)
    abkit(tmp_path, "check", "--update", *CONFIG)
    write_module(tmp_path, 0.1)
    changed = abkit(tmp_path, "check", *CONFIG, code=1).stdout
    for name in (ORGS, USERS):
        assert (
            f'changed  {name}: drawn: [["0", 0.99], ["1", 0.01]] -> [["0", 0.9], ["1", 0.1]]; '
            "starts a new phase: weights 99/1 -> 90/10 (nobody can say whom it moves: code decides)"
        ) in changed


def test_an_experiment_alone_is_not_several(tmp_path: Path) -> None:
    module = write_module(tmp_path)
    module.write_text(module.read_text().replace(f"{ORGS}, {USERS}", ORGS))
    assert "holds 1 experiment." in abkit(tmp_path, "check", "--update", *CONFIG).stdout
    assert "1 experiment is right" in abkit(tmp_path, "check", *CONFIG).stdout
