"""The Node.js project in `web`, installed once and filled with what abkit generates."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from attrs import frozen

from abkit import Experiment
from abkit.frontend.folder import write
from abkit.frontend.typescript import typescript_files

from ..npm import installed
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
    packages = installed(SOURCES, _PACKAGES)
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("node_modules"))
    for package in _PACKAGES:
        (folder / package / "node_modules").symlink_to(packages / package / "node_modules")
    for version in VERSIONS:
        root = folder / version
        for shared in ("tests", "types"):
            shutil.copytree(folder / shared, root / shared)
        for config in ("tsconfig.json", "tsconfig.strict.json"):
            shutil.copy(folder / config, root)
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
