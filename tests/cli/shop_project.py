"""A project with a module of experiments and a settings file, and the commands called in it."""

import os
import subprocess
from pathlib import Path

from ..command_line import run


def shop_project(folder: Path, module: str) -> Path:
    """Write the project into a folder, which is given back.

    Args:
        folder: Where.
        module: The text of `shop.experiments`.
    """
    (folder / "shop").mkdir()
    (folder / "shop" / "experiments.py").write_text(module)
    (folder / "pyproject.toml").write_text(
        '[tool.abkit]\nconfig = "shop.experiments"\nsettings = "live.toml"\n'
    )
    return folder


def abkit(
    folder: Path, *arguments: str, code: int = 0, text: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Call a command, which must end with a code, and never with a traceback.

    Args:
        folder: Where it is called.
        arguments: Those after `abkit`.
        code: The exit code that is wanted.
        text: Its input.
        variables: Of its environment, which has no other ABKIT_... variable.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ABKIT")}
    environment |= {"COLUMNS": "100", "PYTHONDONTWRITEBYTECODE": "1"}
    ran = run(*arguments, folder=folder, text=text, environment={**environment, **variables})
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    return ran
