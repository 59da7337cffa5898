"""What a program takes, in a process of its own: its time, its processor time and its memory."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path


def measure(program: Callable[[], object], *, imports: Sequence[str]) -> None:
    """In that process: run it and print what it took, without its imports."""
    for module in imports:
        import_module(module)
    began, before = time.perf_counter(), time.process_time()
    program()
    told = {
        "wall": time.perf_counter() - began,
        "cpu": time.process_time() - before,
        "peak": _peak(),
    }
    sys.stdout.write(json.dumps(told) + "\n")


def taken(module: str, *arguments: str) -> dict[str, float]:
    """What a module took that calls `measure`: seconds, and as "peak" MB.

    Args:
        module: Its name.
        arguments: Its arguments.
    """
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def _peak() -> float:
    """The largest resident memory so far, in MB.

    Not `ru_maxrss`, which begins with the memory of the process that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024
