"""`abkit` in a process of its own, without the time that its imports take.

Started once, a process has imported what the commands need; for each command it forks, and the fork is
what `python -m abkit.cli` is: it has its own folder, environment, input and output, modules and end.
"""

import atexit
import functools
import gc
import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

STREAMS = ("stdin", "stdout", "stderr")
IMPORTED = (
    "abkit.analysis",
    "abkit.analysis.presentation.charts.rendering",
    "abkit.analysis.presentation.report",
    "abkit.analysis.presentation.terminal",
    "altair",
    "duckdb",
    "jinja2",
    "numpy",
    "pandas",  # by pyarrow, where it is installed
    "pyarrow.parquet",
    "rich.console",
    "rich.table",
    "scipy.special",
    "sqlalchemy",
    "vl_convert",
)


def run(
    *arguments: str,
    folder: Path,
    environment: Mapping[str, str] = os.environ,
    text: str = "",
    both: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run `abkit` with the arguments.

    Args:
        arguments: Those after `abkit`.
        folder: Where it runs.
        environment: All of its variables.
        text: What it can read from its standard input.
        both: Whether its standard error goes where its standard output goes.
    """
    with TemporaryDirectory() as streams:
        where = {each: str(Path(streams) / each) for each in STREAMS}
        if both:
            where["stderr"] = where["stdout"]
        Path(where["stdin"]).write_text(text, encoding="utf-8")
        request = {
            "arguments": arguments,
            "folder": str(folder),
            "environment": dict(environment),
            "streams": where,
        }
        code = _forking().answer(json.dumps(request))
        stdout, stderr = (Path(where[each]).read_text(encoding="utf-8") for each in STREAMS[1:])
    return subprocess.CompletedProcess(["abkit", *arguments], code, stdout, "" if both else stderr)


class _Forking:
    """The process that forks."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # No threads of a library of mathematics: a fork would be without them.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
        )
        atexit.register(self.close)

    def answer(self, request: str) -> int:
        """The exit code of the command."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{request}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it, unless this is a fork of those whose it is."""
        if os.getpid() == self._owner:
            self._process.terminate()
            self._process.communicate()


@functools.cache
def _forking() -> _Forking:
    return _Forking()


def _become(request: dict[str, object]) -> None:
    """Let this process, which is a fork, run the command and end."""
    named: dict[str, str] = request["streams"]  # type: ignore[assignment]
    flags = (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT | os.O_APPEND] * 2)
    for target, (name, how) in enumerate(zip(STREAMS, flags, strict=True)):
        opened = os.open(named[name], how, 0o600)
        os.dup2(opened, target)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    environment: dict[str, str] = request["environment"]  # type: ignore[assignment]
    os.environ.clear()
    os.environ.update(environment)
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in environment
    folder, arguments = str(request["folder"]), request["arguments"]
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.argv = ["abkit", *arguments]  # type: ignore[misc]
    from abkit.cli import main

    code: object = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    if code is not None and not isinstance(code, int):
        sys.stderr.write(f"{code}\n")
        code = 1
    # As Python ends: threads, exit hooks, output.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


def _serve() -> None:
    from abkit.cli.group import COMMANDS

    for each in (*IMPORTED, *(command.partition(":")[0] for command in COMMANDS.values())):
        importlib.import_module(each)
    gc.collect()
    gc.freeze()  # what a fork does not touch, it need not copy
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
            return
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
