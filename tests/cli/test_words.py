"""Words that people type."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from abkit.cli.group import abkit
from abkit.cli.invocation import invocation, program
from abkit.cli.words import Word, confidence
from abkit.experiments.declaring.analysis_words import OTHER_WORDS, Method

METHOD = Word(Method, OTHER_WORDS[Method])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        *((each.value, each) for each in Method),
        *((typed, Method.WELCH) for typed in ("t-test", "ttest", "T_TEST", "Welch's", "WELCH")),
        ("mSPRT", Method.SEQUENTIAL),
        ("group_sequential", Method.GROUP_SEQUENTIAL),
        ("Bayes", Method.BAYESIAN),
    ],
)
def test_a_method_goes_by_its_other_names(typed: str, meant: str) -> None:
    assert METHOD(typed) == meant


def test_a_misspelt_word_is_refused_with_the_one_that_is_meant() -> None:
    with pytest.raises(click.BadParameter, match="Did you mean 'sequential'"):
        METHOD("sequentiel")
    with pytest.raises(click.BadParameter, match="not one of 'sequential', 'welch'"):
        METHOD("anova")


@pytest.mark.parametrize("typed", ["0.95", "95", "95%", "95.0"])
def test_a_confidence_may_be_in_percent(typed: str) -> None:
    assert confidence(typed) == 0.95


@pytest.mark.parametrize("typed", ["1", "100", "0", "40", "nan", "high", "-95"])
def test_what_is_no_confidence_is_refused(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="must be"):
        confidence(typed)


def test_a_table_of_units_is_asked_in_these_words(tmp_path: Path) -> None:
    path = tmp_path / "checkout-button_test.csv"
    rows = "".join(f"{i},{'ab'[i % 2]},{i % 3 // 2}\n" for i in range(400))
    path.write_text(f"id,v,c\n{rows}", encoding="utf-8")
    options = ["--units", str(path), "--unit", "id", "--variant", "v", "--control", "a"]
    asked = ["analyze", *options, "--conversion", "c", "--method", "t-test", "--confidence", "90"]
    page = tmp_path / "r.html"
    answer = CliRunner().invoke(abkit, [*asked, "--html", str(page)])
    assert answer.exit_code == 0, answer.output
    assert "Welch's t-test" in answer.output
    assert "90% interval" in answer.output
    assert "<title>Checkout button test: results</title>" in page.read_text(encoding="utf-8")


EXPERIMENTS = """
from abkit import UserExperiment, Conversion
class AnExperimentWithAnUnusuallyLongName(UserExperiment):
    variants = {"the control of them all": 1, "the treatment of them all": 1}
    metrics = [Conversion("a thing that was done in the application after the exposure")]
ACTIVE_EXPERIMENTS = [AnExperimentWithAnUnusuallyLongName]
"""


@pytest.mark.parametrize("said", ["./{}.py", "{}.py", "{}"])
def test_the_module_may_be_named_by_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, request: pytest.FixtureRequest
) -> None:
    module = f"exp_{abs(hash(request.node.name))}"
    (tmp_path / f"{module}.py").write_text(EXPERIMENTS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    answer = CliRunner().invoke(abkit, ["list", "--config", said.format(module)])
    assert answer.exit_code == 0, answer.output
    row = answer.output.splitlines()[1]
    assert row.startswith("AnExperimentWithAnUnusuallyLongName  user  the control of them all 50%")
    assert row.rstrip().endswith("after the exposure"), "a pipe breaks no name"


def test_a_file_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(abkit, ["list", "--config", "./nothing.py"])
    assert answer.exit_code == 2
    assert "There is no ./nothing.py" in answer.output


def test_commands_are_shown_as_they_can_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "abkit"
    script.write_text("#!/bin/sh\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("sys.argv", [str(script)])
    assert program() == (str(script),)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == ("abkit",)
    monkeypatch.setattr("sys.argv", ["manage.py", "abkit"])
    assert program() == ("python", "manage.py", "abkit")
    said = invocation(config="my.module", settings="s.toml")
    assert said.options == ("--config", "my.module", "--settings", "s.toml")
