"""abkit passes PlanOut's own tests.

They are not abkit's, so they are not kept here: they come with the installed PlanOut 0.6.0, and
from a checkout of its repository (which has four more) if PLANOUT_REPO names one.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import planout
import pytest

INSTALLED = Path(str(planout.__file__)).parent / "test"
CHECKOUT = os.environ.get("PLANOUT_REPO")

SOURCES = [pytest.param(INSTALLED, 34, id="installed")]
if CHECKOUT:
    folder = Path(CHECKOUT) / "python" / "planout" / "test"
    SOURCES.append(pytest.param(folder, 38, id="checkout"))

REPAIRS = {
    # Released for Python 2: a tab among spaces, and a range that was a list.
    "test_assignment.py": (("\t", " " * 8), ("choices=range(8)", "choices=list(range(8))")),
}


@pytest.mark.parametrize(("folder", "number"), SOURCES)
def test_planouts_own_tests_pass(folder: Path, number: int, tmp_path: Path) -> None:
    for file in folder.glob("test_*.py"):
        text = file.read_text(encoding="utf-8")
        for wrong, right in REPAIRS.get(file.name, ()):
            text = text.replace(wrong, right)
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    runner = Path(__file__).with_name("run_planouts_tests.py")
    ran = subprocess.run(
        [sys.executable, str(runner), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"run": number, "failed": {}}
