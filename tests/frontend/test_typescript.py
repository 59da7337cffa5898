"""What is generated from the classes."""

import ast
import re
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import (
    DeclarationError,
    OrgExperiment,
    Params,
    UserExperiment,
    VisitorExperiment,
    WeightedChoice,
)
from abkit.assignment.assignment import Reason
from abkit.frontend.typescript import CONFIG, HEADER, typescript_files

from . import declared, hostile

GOLDEN = Path(__file__).with_name("golden")
CORE = {"experimentConfig.ts", "getExperiment.ts", "logExperiment.ts", "postExposures.ts"}
REACT = {"ExperimentContext.ts", "ExperimentProvider.tsx", "useExperiment.ts", "withExperiment.tsx"}
PACKAGE = files("abkit.frontend")


@pytest.mark.parametrize("module", [declared, hostile], ids=["declared", "hostile"])
def test_the_configuration_is_as_in_the_golden_file(module: ModuleType) -> None:
    """If a change is meant, copy what `abkit typescript` writes into `golden`."""
    name = module.__name__.rpartition(".")[2]
    golden = (GOLDEN / f"{name}.experimentConfig.ts").read_text(encoding="utf-8")
    assert typescript_files(module.ACTIVE_EXPERIMENTS)[CONFIG] == golden


def test_all_other_files_are_as_in_the_package() -> None:
    texts = typescript_files(declared.ACTIVE_EXPERIMENTS)
    assert texts.keys() == CORE | REACT
    for folder, names in (("core", CORE - {CONFIG}), ("react", REACT)):
        for name in names:
            assert texts[name] == (PACKAGE / folder / name).read_text(encoding="utf-8")
            assert texts[name].startswith(HEADER)


def test_without_react_nothing_knows_of_it() -> None:
    texts = typescript_files(declared.ACTIVE_EXPERIMENTS, react=False)
    assert texts == {
        name: text
        for name, text in typescript_files(declared.ACTIVE_EXPERIMENTS).items()
        if name in CORE
    }
    imported = {name for text in texts.values() for name in re.findall(r"from '(.+)'", text)}
    assert imported <= {f"./{name.removesuffix('.ts')}" for name in CORE}
    assert "use client" not in "".join(texts.values())


def test_without_experiments_only_the_reasons_are_filled_in() -> None:
    package = (PACKAGE / "core" / CONFIG).read_text(encoding="utf-8")
    config = typescript_files([])[CONFIG]
    assert "const experimentList = [] as const;" in config
    assert set(package.splitlines()) - set(config.splitlines()) == {
        "export type ExperimentReason = 'missing';"
    }


def test_the_order_of_the_list_does_not_matter() -> None:
    experiments = declared.ACTIVE_EXPERIMENTS
    assert typescript_files(experiments) == typescript_files(experiments[::-1])


def test_the_reasons_are_those_of_python_and_those_of_a_payload_without_it() -> None:
    config = typescript_files([])[CONFIG]
    union = config[config.index("export type ExperimentReason") :].partition(";")[0]
    assert re.findall(r"'(\w+)'", union) == [*map(str, Reason), "left_out", "missing"]


def test_a_class_whose_name_is_set_is_known_by_it() -> None:
    class Renamed(OrgExperiment):
        name = "ShowPlugins"
        param_name = "exposed"
        variants = [0, 1]

    config = typescript_files([Renamed])[CONFIG]
    assert "key: 'ShowPlugins'" in config
    assert "parameter: 'exposed'" in config
    assert "Renamed" not in config


def test_an_experiment_on_visitors_is_one_of_visitors() -> None:
    class Signup(VisitorExperiment):
        variants = ["form", "github"]

    config = typescript_files([Signup])[CONFIG]
    assert "Visitor: 'visitor'," in config
    assert "type: ExperimentType.Visitor," in config


@given(st.text())
def test_a_text_is_the_same_text_in_javascript(text: str) -> None:
    class Texts(UserExperiment):
        variants = [text, f"not {text}"]

    config = typescript_files([Texts])[CONFIG]
    literal = re.search(r"defaultValue: (.*),\n", config)
    assert literal is not None
    # JavaScript's escapes are Python's too; surrogate pairs are two characters here, and one there.
    value = ast.literal_eval(literal[1]).encode("utf-16", "surrogatepass")
    assert value == text.encode("utf-16", "surrogatepass")
    assert all(each == "\n" or each.isprintable() for each in config)


@pytest.mark.parametrize("number", [2**53, -(2**53), float("inf")])
def test_a_number_that_javascript_does_not_have_is_refused(number: float) -> None:
    class TooLarge(UserExperiment):
        variants = [0, number]

    with pytest.raises(DeclarationError, match="JavaScript does not have the number .* use text"):
        typescript_files([TooLarge])


class _InCode(UserExperiment):
    def assign(self, params: Params, user: Any) -> None:
        params.variant = "a"

    def default_value(self) -> str:
        return "a"


def test_a_default_value_that_is_none_is_refused() -> None:
    class Nothing(_InCode):
        def default_value(self) -> Any:
            return None

    with pytest.raises(DeclarationError, match="must give text, a number or a bool, not None"):
        typescript_files([Nothing])


def test_a_default_value_that_fails_says_so() -> None:
    class Broken(_InCode):
        def default_value(self) -> str:
            raise KeyError("colour")

    with pytest.raises(DeclarationError, match=r"default_value\(\) failed: KeyError: 'colour'"):
        typescript_files([Broken])


def test_variants_that_only_code_names_are_found() -> None:
    class ShowPluginsExperiment(OrgExperiment):
        def default_value(self) -> str:
            return "0"

        def assign(self, params: Params, org: Any, actor: Any) -> None:
            if org.slug == "sentry":
                params.variant = "1"
            else:
                params.variant = WeightedChoice(choices=["0", "1"], weights=[0.9, 0.1], unit=org.id)

    assert "assignments: ['0', '1']," in typescript_files([ShowPluginsExperiment])[CONFIG]


def test_kinds_of_units_that_would_have_one_name_keep_their_own() -> None:
    class ByTeamMember(UserExperiment):
        unit_type = "team_member"
        variants = [0, 1]

    class ByTeamMemberToo(UserExperiment):
        unit_type = "teamMember"
        variants = [0, 1]

    config = typescript_files([ByTeamMember, ByTeamMemberToo])[CONFIG]
    assert "type: ExperimentType['team_member']" in config
    assert "type: ExperimentType['teamMember']" in config
