"""What tests of commands share: a project's folder, of which a module of experiments is a part."""

import sys
from pathlib import Path
from typing import Protocol

import pytest


class StandIn(Protocol):
    """What makes the folder of a test the current one."""

    def __call__(self, module: str, text: str) -> None:
        """Have a module in it, which is imported anew."""
        ...


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Make the folder of the test, with a module, the current one, in which no variable says otherwise."""

    def stand(module: str, text: str) -> None:
        (tmp_path / f"{module}.py").write_text(text, encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "path", sys.path[:])
        monkeypatch.delitem(sys.modules, module, raising=False)
        for variable in ("CONFIG", "EVENTS", "NOTIFY", "SETTINGS", "STATE"):
            monkeypatch.delenv(f"ABKIT_{variable}", raising=False)

    return stand
