"""The Python blocks of the README and of the documentation are tests; each file is one program."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser


@pytest.fixture
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What a page writes goes into a folder of its own."""
    before = Path.cwd()
    folder = tmp_path_factory.mktemp("page")
    os.chdir(folder)
    yield folder
    os.chdir(before)


def forget(_namespace: dict[str, Any]) -> None:
    """Leave the process-wide manager as it was found."""
    from abkit import expt_manager

    expt_manager.clear()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/**/*.md", "docs/*.md"],
    fixtures=["own_folder"],
    setup=forget,
    teardown=forget,
).pytest()
