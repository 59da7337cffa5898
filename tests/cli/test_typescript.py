"""abkit typescript, as a person in a project's folder calls it."""

import os
import subprocess
from pathlib import Path

import pytest

from ..command_line import run

MODULE = """
from abkit import OrgExperiment

class ShowPluginsExperiment(OrgExperiment):
    variants = {"0": 0.5, "1": 0.5}

ACTIVE_EXPERIMENTS = [ShowPluginsExperiment]
"""
OUT = ("--out", "static/experiments")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(MODULE)
    (tmp_path / "pyproject.toml").write_text('[tool.abkit]\nconfig = "shop"\n')
    return tmp_path


def typescript(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ABKIT")}
    ran = run(
        "typescript",
        *arguments,
        folder=folder,
        environment={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    return ran


def test_it_says_what_it_wrote_and_writes_it_once(project: Path) -> None:
    written = typescript(project, *OUT).stdout.splitlines()
    assert written == [
        "wrote    static/experiments/ExperimentContext.ts",
        "wrote    static/experiments/ExperimentProvider.tsx",
        "wrote    static/experiments/experimentConfig.ts",
        "wrote    static/experiments/getExperiment.ts",
        "wrote    static/experiments/logExperiment.ts",
        "wrote    static/experiments/postExposures.ts",
        "wrote    static/experiments/useExperiment.ts",
        "wrote    static/experiments/withExperiment.tsx",
        "static/experiments holds 1 experiment, as declared.",
    ]
    assert typescript(project, *OUT).stdout.splitlines() == written[-1:]
    assert typescript(project, *OUT, "--check").stdout.splitlines() == written[-1:]


def test_check_shows_a_variant_that_has_been_added_and_writes_nothing(project: Path) -> None:
    typescript(project, *OUT)
    (project / "shop.py").write_text(MODULE.replace('"1": 0.5', '"1": 0.25, "2": 0.25'))
    shown = typescript(project, *OUT, "--check", code=1).stdout
    assert "differs  static/experiments/experimentConfig.ts" in shown
    assert "-    assignments: ['0', '1'],\n+    assignments: ['0', '1', '2'],\n" in shown
    assert "write it with: abkit typescript --out static/experiments" in shown
    typescript(project, *OUT, "--check", code=1)
    assert len(typescript(project, *OUT).stdout.splitlines()) == 2
    typescript(project, *OUT, "--check")


def test_check_says_what_is_missing_or_stale_and_shortens_a_long_diff(project: Path) -> None:
    shown = typescript(project, *OUT, "--check", code=1).stdout
    assert shown.count("missing  ") == 8
    assert not (project / "static").exists()
    typescript(project, *OUT)
    folder = project / "static" / "experiments"
    (folder / "useExperiment.ts").rename(folder / "useOldExperiment.ts")
    config = folder / "experimentConfig.ts"
    config.write_text(config.read_text().partition("\n")[0] + "\n")
    shown = typescript(project, *OUT, "--check", code=1).stdout
    assert "missing  static/experiments/useExperiment.ts\n" in shown
    assert (
        "stale    static/experiments/useOldExperiment.ts is generated no longer; delete it" in shown
    )
    assert " more lines\n" in shown
    assert "stale    " in typescript(project, *OUT).stdout


def test_without_react_only_what_knows_no_framework_is_written_and_checked(project: Path) -> None:
    core = (*OUT, "--without-react")
    shown = typescript(project, *core, "--check", "--config", "shop", code=1).stdout
    assert shown.count("missing  ") == 4
    command = "abkit typescript --config shop --out static/experiments --without-react\n"
    assert f"write it with: {command}" in shown
    typescript(project, *core)
    typescript(project, *core, "--check")
    assert typescript(project, *OUT, "--check", code=1).stdout.count("missing  ") == 4
    typescript(project, *OUT)
    assert typescript(project, *core, "--check", code=1).stdout.count("stale    ") == 4


@pytest.mark.parametrize(
    ("module", "arguments", "says"),
    [
        (MODULE, (), "Missing option '--out'"),
        (MODULE, ("--out", "shop.py"), "'shop.py' is a file"),
        (MODULE, ("--out", "shop.py/static"), "shop.py/static"),
        (MODULE, ("--config", "nowhere", *OUT), "no module 'nowhere'"),
        (f"{MODULE}ACTIVE_EXPERIMENTS *= 2\n", OUT, "is registered already"),
        (MODULE.replace('"1"', "10**20"), OUT, "JavaScript does not have the number 1000"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(
    project: Path, module: str, arguments: tuple[str, ...], says: str
) -> None:
    (project / "shop.py").write_text(module)
    assert says in typescript(project, *arguments, code=2).stderr
    assert not (project / "static").exists()


def test_it_does_not_overwrite_what_somebody_else_wrote(project: Path) -> None:
    (project / "static" / "experiments").mkdir(parents=True)
    own = project / "static" / "experiments" / "useExperiment.ts"
    own.write_text("export const own = 1;\n")
    assert "was not written by abkit" in typescript(project, *OUT, code=2).stderr
    assert own.read_text() == "export const own = 1;\n"
    assert [*own.parent.iterdir()] == [own]
