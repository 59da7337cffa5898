"""The bar on stderr."""

import os
import pty
import subprocess
import sys

from abkit.cli.progress import progress

TELLING = """
from abkit.cli.progress import progress
with progress() as told:
    told["progress"]("[red]Counting\x1b", 1, 3)
    told["progress"].within(0.421)
    told["progress"]("Comparing", 3, 3)
print("the answer")
"""


def test_there_is_none_where_nobody_sees_it() -> None:
    with progress() as told:
        assert told == {}


def test_a_terminal_shows_the_steps_on_stderr_only() -> None:
    controller, terminal = pty.openpty()
    ran = subprocess.run(
        [sys.executable, "-c", TELLING],
        stdout=subprocess.PIPE,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        check=True,
        text=True,
    )
    os.close(terminal)
    shown = os.read(controller, 65536).decode()
    os.close(controller)
    assert ran.stdout == "the answer\n"
    assert "Comparing" in shown
    assert "42.1% of this step" in shown
