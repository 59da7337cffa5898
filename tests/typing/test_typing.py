"""The types of the public API, as pyright sees them; mypy checks the same file with all others."""

import subprocess
import sys
from pathlib import Path


def test_pyright_agrees_with_the_typed_api() -> None:
    api = Path(__file__).with_name("api.py")
    ran = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, str(api)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
