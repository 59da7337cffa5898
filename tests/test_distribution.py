"""What abkit is installed as, and another package in its place."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import abkit
from abkit.distribution import DISTRIBUTION, __version__, install, intruder

ROOT = Path(__file__).resolve().parents[1]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
THEIRS = '"""checks of experiment readouts"""\n__version__ = "0.1.1"\n'


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of packages in which abkit is installed."""
    folder = tmp_path / "site"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(str(abkit.__file__)).parent, folder / "abkit", ignore=ignored)
    return folder


@pytest.fixture
def run(site: Path) -> Run:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, "PYTHONPATH": str(site)},
            cwd=site.parent,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def install_the_other(site: Path) -> None:
    """The package of the index that is called `abkit`: what pip writes of it."""
    told = site / "abkit-0.1.1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.4\nName: abkit\nVersion: 0.1.1\n")
    (told / "RECORD").write_text("abkit/__init__.py,,\nabkit/cli.py,,\nabkit/report.py,,\n")
    for name in ("__init__.py", "cli.py", "report.py"):
        (site / "abkit" / name).write_text(THEIRS)


def test_the_name_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (project["name"], project["dynamic"]) == (DISTRIBUTION, ["version"])
    assert abkit.__version__ == __version__
    texts = [ROOT / "README.md", ROOT / "pyproject.toml", ROOT / "Makefile"]
    texts += (
        path for folder in ("docs", "src", "examples") for path in (ROOT / folder).rglob("*.*")
    )
    by_the_others_name = re.compile(r"(?<!/)abkit\[|pip install (-\S+ )*['\"]?abkit\b(?!-sdk)")
    found = [
        path
        for path in texts
        if path.suffix in {".md", ".py", ".toml", ".jinja", ".html", ".rst", ""}
        and path.is_file()
        and by_the_others_name.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_only_the_installed_package_is_here() -> None:
    assert intruder() == ""
    assert install("analysis") == "pip install 'abkit-sdk[analysis]'"


@pytest.mark.parametrize("module", ["abkit", "abkit.cli"])
def test_python_m_abkit_is_the_command(module: str, run: Run) -> None:
    ran = run("-m", module, "--version")
    assert (ran.stdout, ran.stderr) == (f"abkit, version {__version__}\n", "")


def test_the_version_needs_no_extra(run: Run) -> None:
    without_click = "import sys; sys.modules['click'] = None; from abkit.cli import main; main()"
    ran = run("-c", without_click, "--version")
    assert (ran.stdout, ran.stderr) == (f"abkit, version {__version__}\n", "")
    assert "pip install 'abkit-sdk[cli]'" in run("-c", without_click, "list").stderr


def test_a_command_says_which_package_has_replaced_abkit(site: Path, run: Run) -> None:
    install_the_other(site)
    ran = run("-m", "abkit", "list")
    assert ran.returncode == 1
    assert ran.stderr == (
        f"Error: {site}/abkit/__init__.py is of another package, abkit 0.1.1, and not of abkit-sdk. "
        "Only one of them can be here. Remove both (pip uninstall abkit abkit-sdk), and install "
        "abkit-sdk again.\n"
    )


def test_a_command_says_that_another_package_has_taken_files_with_it(site: Path, run: Run) -> None:
    """As after `pip uninstall abkit`: Python then imports the folder as a namespace."""
    (site / "abkit" / "__init__.py").unlink()
    source = Path(str(abkit.__file__)).parents[1]
    only_here = f"import sys; sys.path = [each for each in sys.path if each != {str(source)!r}]"
    ran = run("-c", f"{only_here}; from abkit.cli import main; main()")
    assert ran.returncode == 1
    assert "another package has replaced or removed it" in ran.stderr


def test_what_is_replaced_by_abkit_is_told_before_it_does_harm(site: Path, run: Run) -> None:
    """The other was there first, so abkit works, until the other is updated or removed."""
    ours = (site / "abkit" / "__init__.py").read_text()
    install_the_other(site)
    (site / "abkit" / "__init__.py").write_text(ours)
    (site.parent / "experiments.py").write_text("ACTIVE_EXPERIMENTS = []\n")
    version = run("-m", "abkit", "--version")
    assert version.stdout == f"abkit, version {__version__}\n"
    assert "abkit 0.1.1 is installed beside abkit-sdk, in the same folder" in version.stderr
    checked = run("-m", "abkit", "check", "--config", "experiments")
    assert checked.returncode == 1
    assert "wrong    abkit 0.1.1 is installed beside abkit-sdk" in checked.stdout


def test_a_missing_extra_says_so_too(site: Path, run: Run) -> None:
    install_the_other(site)
    ran = run(
        "-c",
        "import sys; sys.modules['redis'] = None; import abkit.exposure.dedup.redis as r; r.RedisDedup('')",
    )
    assert "pip install 'abkit-sdk[redis]'. " in ran.stderr
    assert "is of another package, abkit 0.1.1" in ran.stderr
