"""The Node.js project in `web`, installed once and filled with what abkit generates."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from attrs import frozen

from abkit import Experiment
from abkit.frontend.folder import write
from abkit.frontend.typescript import typescript_files

from . import declared, hostile

SOURCES = Path(__file__).with_name("web")
VERSIONS = ("react18", "react19")
_PACKAGES = ("", *VERSIONS)
_ERROR = re.compile(r"^(?P<file>[^ (]+)\((?P<line>\d+),\d+\): error (?P<code>TS\d+)")
_EXPECTED = re.compile(r"// (TS\d+)$|/\* (TS\d+) \*/}$")


@frozen
class Project:
    """An application with each React, below one folder."""

    folder: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A program of the installed packages, called in the folder."""
        command = ["node", str(self.folder / "node_modules" / program), *arguments]
        environment = {**os.environ, "NO_COLOR": "1"}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def errors(self, compiler: str, version: str) -> set[tuple[str, int, str]]:
        """File, line and code of each error of the compiler."""
        ran = self.run(f"{compiler}/bin/tsc", "--project", f"{version}/tsconfig.json")
        found = [_ERROR.match(line) for line in ran.stdout.splitlines() if not line.startswith(" ")]
        assert all(found), ran.stdout + ran.stderr
        assert (ran.returncode != 0) == bool(found), ran.stdout + ran.stderr
        return {(each["file"], int(each["line"]), each["code"]) for each in found if each}

    def expected_errors(self, version: str) -> set[tuple[str, int, str]]:
        """Those that `types/wrong.tsx` says it has."""
        name = f"{version}/types/wrong.tsx"
        lines = (self.folder / name).read_text(encoding="utf-8").splitlines()
        found = [(at, _EXPECTED.search(line)) for at, line in enumerate(lines, start=1)]
        return {(name, at, match[1] or match[2]) for at, match in found if match}


def make_project(folder: Path) -> Project:
    """A project in the folder, which may not exist; skips where it cannot be, except in CI."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        _cannot("there is no Node.js with npm here (Debian: apt-get install nodejs npm)")
    installed = _installed()
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("node_modules"))
    for package in _PACKAGES:
        (folder / package / "node_modules").symlink_to(installed / package / "node_modules")
    for version in VERSIONS:
        root = folder / version
        for shared in ("tests", "types"):
            shutil.copytree(folder / shared, root / shared)
        shutil.copy(folder / "tsconfig.json", root)
        _generate(root / "experiments", declared.ACTIVE_EXPERIMENTS)
        _generate(root / "hostile", hostile.ACTIVE_EXPERIMENTS)
        _generate(root / "empty", [])
    return Project(folder)


def _generate(folder: Path, experiments: list[type[Experiment]]) -> None:
    write(folder, typescript_files(experiments))
    expected = [
        {
            "key": each.name,
            "type": each.unit_type,
            "parameter": each.param_name,
            "assignments": each.declaration.variants,
            "defaultValue": each().default_value(),
        }
        for each in sorted(experiments, key=lambda each: each.name)
    ]
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


def _installed() -> Path:
    """Where the packages are: outside the tree, so that they are installed once."""
    texts = {each: (SOURCES / each / "package.json").read_text("utf-8") for each in _PACKAGES}
    digest = hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "abkit-tests"
    installed = caches / f"npm-{digest}"
    if installed.exists():
        return installed
    caches.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=caches))
    for package, text in texts.items():
        (unfinished / package).mkdir(exist_ok=True)
        (unfinished / package / "package.json").write_text(text, encoding="utf-8")
        _npm_install(unfinished / package)
    try:
        unfinished.rename(installed)
    except OSError:  # another process was faster
        shutil.rmtree(unfinished)
    return installed


def _npm_install(folder: Path) -> None:
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        _cannot(f"npm install failed: {ran.stderr.strip()[-500:]}")


def _cannot(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
