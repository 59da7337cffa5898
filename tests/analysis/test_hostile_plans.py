"""What cannot be in pyproject.toml or in an argument is refused in words."""

from pathlib import Path
from typing import Any

import pytest

from abkit import Conversion, OrgExperiment
from abkit.analysis import Analysis
from abkit.analysis.declared.planned import project_plan
from abkit.errors import ArgumentError, ConfigError


class Buttons(OrgExperiment):
    variants = ("a", "b")
    metrics = (Conversion("clicked"),)


@pytest.mark.parametrize("said", ["1e12", "inf", "nan"])
def test_a_length_that_is_none_is_refused(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.abkit.analysis]\ncuped = {said}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="cuped must be a timedelta"):
        project_plan()


@pytest.mark.parametrize("text", ["tool = 3", "[tool]\nabkit = 3"])
def test_a_table_that_is_none_is_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"\[tool.abkit\] must be a table, not 3"):
        project_plan()


@pytest.mark.parametrize("name", ["control", "start", "until"])
def test_the_message_names_the_argument_of_run(name: str) -> None:
    given: dict[str, Any] = {name: "b"}
    with pytest.raises(ArgumentError, match=rf"\.run\({name}=\.\.\.\)"):
        Analysis(Buttons, exposures="x", actions="y", **given)
