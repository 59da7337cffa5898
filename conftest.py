"""The code blocks of the README and of the documentation are tests; each file is one program.

Python runs. So does each `$ abkit` and `$ python` of a console block, and what the page shows of its output
must come out; `...` stands for what is left out. A block that begins with the comment
`# a/path.py` is that file too, for what follows to import or to run.
"""

import functools
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser, SkipParser

# Two workers have two cores: threads of a library of mathematics would wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_collection_finish() -> None:
    """What has been imported by now stays compiled; modules that tests write are compiled anew each time.

    Python tells a file's state by its size and the second, and tests write a module twice within one.
    """
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


FILE = re.compile(r"# ([\w./-]+\.(?:py|toml))\n")


class OwnFolder:
    """What a page writes goes into a folder of its own, from which it can import.

    Afterwards the process is as it was found: its folder, its modules, its manager.
    """

    def enter(self, _namespace: dict[str, Any]) -> None:
        """Begin a page."""
        self._before, self._modules = Path.cwd(), {**sys.modules}
        self._folder = TemporaryDirectory(prefix="page-", ignore_cleanup_errors=True)
        os.chdir(self._folder.name)
        sys.path.insert(0, self._folder.name)
        _forget()

    def leave(self, _namespace: dict[str, Any]) -> None:
        """End it."""
        _forget()
        sys.path.remove(self._folder.name)
        # All are found before one goes: a namespace package looks its parent up when it is asked.
        own = [name for name, module in sys.modules.items() if _lies_in(module, self._folder.name)]
        for name in own:
            del sys.modules[name]
        sys.modules.update(self._modules)
        os.chdir(self._before)
        self._folder.cleanup()


def _forget() -> None:
    from abkit import expt_manager

    expt_manager.clear()


def keep(example: Example) -> bool:
    """Write a block that is a file into the page's folder; whether it is one."""
    named = FILE.match(str(example.parsed))
    if named is None:
        return False
    path = Path(named[1])
    _free(path.parts[0].removesuffix(".py"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(example.parsed), encoding="utf-8")
    return True


def _free(package: str) -> None:
    """Let a name mean what the page writes, not what others imported by it."""
    others = [
        name
        for name, module in sys.modules.items()
        if (name == package or name.startswith(f"{package}."))
        and not _lies_in(module, str(Path.cwd()))
    ]
    for name in others:
        del sys.modules[name]


def _lies_in(module: ModuleType, folder: str) -> bool:
    places = getattr(module, "__file__", None), *getattr(module, "__path__", ())
    return any(str(place).startswith(folder) for place in places)


def read_toml(example: Example) -> None:
    """Keep a block that is a file; it must be TOML."""
    keep(example)
    tomllib.loads(str(example.parsed))


def run_console(example: Example) -> None:
    """Run what can be run here, and compare what comes out with what is shown."""
    for block in re.split(r"^\$ ", str(example.parsed), flags=re.MULTILINE)[1:]:
        line, _, shown = block.replace("\\\n", " ").partition("\n")
        program, *arguments = shlex.split(line, comments=True)
        if program not in ("abkit", "python") or "..." in arguments:
            continue
        environment = {**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}
        if program == "abkit":
            run = command_line().run
            ran = run(*arguments, folder=Path.cwd(), environment=environment, both=True)
        else:
            ran = subprocess.run(  # noqa: S603 - it is the documentation's own
                [sys.executable, *arguments],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                check=False,
            )
        pattern = re.escape(_trimmed(shown)).replace(re.escape("..."), r"[\s\S]*")
        if shown.strip() and not re.fullmatch(pattern, _trimmed(ran.stdout)):
            message = f"$ {line}\nshows:\n{shown}\nbut gives:\n{ran.stdout}"
            raise AssertionError(message)
        if not shown.strip() and ran.returncode:
            message = f"$ {line}\nfails:\n{ran.stdout}"
            raise AssertionError(message)


@functools.cache
def command_line() -> ModuleType:
    """`tests/command_line.py`, from wherever pytest was started."""
    path = Path(__file__).parent / "tests" / "command_line.py"
    spec = importlib.util.spec_from_file_location("abkits_command_line", path)
    if spec is None or spec.loader is None:
        raise ImportError(path=str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _trimmed(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    # Older versions of Click name the short option.
    lines = re.sub("^(Try '.*) -h'", r"\1 --help'", lines, flags=re.MULTILINE)
    # Before version 15, Rich makes some columns wider than they need be.
    is_new = int(version("rich").partition(".")[0]) >= 15
    return lines if is_new else re.sub("─+", "─", re.sub(" {2,}", "  ", lines))


def run_python(example: Example) -> None:
    """Keep a block that is a file, and run it; unless the page runs its files itself."""
    if not (keep(example) and "\n$ python " in example.document.text):
        PythonEvaluator()(example)


folder = OwnFolder()
PYTHON = CodeBlockParser("python", run_python)
TOML = CodeBlockParser("toml", read_toml)
CONSOLE = CodeBlockParser("console", run_console)

readme = Sybil(
    parsers=[PYTHON, SkipParser()],
    patterns=["README.md"],
    setup=folder.enter,
    teardown=folder.leave,
)
pages = Sybil(
    parsers=[PYTHON, TOML, CONSOLE, SkipParser()],
    patterns=["docs/**/*.md", "docs/*.md"],
    setup=folder.enter,
    teardown=folder.leave,
)
pytest_collect_file = (readme + pages).pytest()
