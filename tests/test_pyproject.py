"""What pyproject.toml says of abkit is read once, and is what it says now."""

from pathlib import Path

import pytest

from abkit.errors import ConfigError
from abkit.pyproject import tool_table


def test_a_change_of_the_file_is_seen_at_once(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    for config in ("shop", "store", "shop"):
        project.write_text(f'[tool.abkit]\nconfig = "{config}"\n', encoding="utf-8")
        assert tool_table(tmp_path) == (project, {"config": config})


def test_two_projects_of_one_text_have_their_own_paths(tmp_path: Path) -> None:
    for name in ("one", "other"):
        project = tmp_path / name / "pyproject.toml"
        project.parent.mkdir()
        project.write_text('[tool.abkit]\nconfig = "shop"\n', encoding="utf-8")
        assert tool_table(project.parent / "src") == (project, {"config": "shop"})


def test_a_file_that_cannot_be_read_is_told_each_time(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(ConfigError, match="pyproject.toml cannot be read"):
            tool_table(tmp_path)
