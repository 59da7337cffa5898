"""What a fresh process pays for an import, above what bare Python takes."""

import os
import resource
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from .candidate import Peer
from .ratio import Figure
from .row import Row

TIMES = 21
_MEMORY = """
with open("/proc/self/status") as status:
    print(next(line for line in status if line.startswith("VmRSS")).split()[1])
"""


def import_rows(peers: Mapping[str, Peer]) -> list[Row]:
    """Processor time and memory, in turns; without /proc, as on macOS, no memory.

    Args:
        peers: By package.
    """
    statements = {"": "", "abkit": "import abkit"}
    statements |= {package: peer.statements for package, peer in peers.items()}
    milliseconds: defaultdict[str, list[float]] = defaultdict(list)
    megabytes: defaultdict[str, list[float]] = defaultdict(list)
    tells = Path("/proc/self/status").exists()
    with TemporaryDirectory() as compiled:
        for statement in statements.values():
            _run(statement, compiled)
        for _ in range(TIMES):
            for name, statement in statements.items():
                start = _processor_time_of_children()
                printed = _run(statement + (_MEMORY if tells else ""), compiled)
                milliseconds[name].append(1_000 * (_processor_time_of_children() - start))
                megabytes[name].append(int(printed or 0) / 1_024)
    rows = [_row("import, above bare Python", milliseconds, 35.0, "ms")]
    return (
        [*rows, _row("memory of the import, above bare Python", megabytes, 8.0, "MB")]
        if tells
        else rows
    )


def _row(what: str, values: Mapping[str, Sequence[float]], target: float, unit: str) -> Row:
    bare = median(values[""])
    figures = {
        name: Figure([value - bare for value in taken]) for name, taken in values.items() if name
    }
    return Row(what=what, by_id=figures.pop("abkit"), target=target, peers=figures, unit=unit)


def _processor_time_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(program: str, compiled: str) -> str:
    """What a program prints; all modules are compiled already, if they are in that folder."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return ran.stdout.strip()
