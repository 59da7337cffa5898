"""What runs the tests elsewhere: the workflow and the hooks say what the Makefile can do."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
HOOKS = ROOT / ".pre-commit-config.yaml"


def parsed(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def jobs() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = parsed(WORKFLOW)["jobs"]
    return found


def steps() -> Iterator[dict[str, Any]]:
    for job in jobs().values():
        yield from job["steps"]


def hooks() -> list[dict[str, Any]]:
    return [hook for repository in parsed(HOOKS)["repos"] for hook in repository["hooks"]]


def targets() -> set[str]:
    """What `make` can be asked for: the phony targets, each of which has a rule."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY:(.*)$", makefile, flags=re.MULTILINE)
    rules = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    assert set(phony.split()) == rules
    return rules


def asked_of_make(commands: str) -> set[str]:
    """The targets of the `make` commands in a text."""
    lines = re.findall(r"^make (.*)$", commands, flags=re.MULTILINE)
    return {word for line in lines for word in line.split() if "=" not in word}


def commands_of(job: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in job["steps"])


def test_the_workflow_asks_make_for_what_there_is() -> None:
    asked = {name: asked_of_make(commands_of(job)) for name, job in jobs().items()}
    assert all(asked.values()), "each job asks for something"
    assert set().union(*asked.values()) <= targets()


def test_the_workflow_runs_all_that_make_test_runs() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"^test: system .*\n((?:\t.*\n)+)", makefile, flags=re.MULTILINE)
    run = set(re.findall(r"(?<= )[a-z]+(?= |$)", recipe, flags=re.MULTILINE))
    assert {"lint", "types", "unit", "drivers"} <= run
    asked = asked_of_make("\n".join(commands_of(job) for job in jobs().values()))
    assert {*run, "system", "coverage", "floors", "docs", "wheel"} <= asked


def test_the_workflow_tries_every_python_that_the_package_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {each.rpartition(" ")[2] for each in project["classifiers"] if ":: 3." in each}
    matrix = jobs()["tests"]["strategy"]["matrix"]
    tried = {*matrix["python"], *(each["python"] for each in matrix["include"])}
    assert tried == named
    may_fail = [each["python"] for each in matrix["include"] if each["may-fail"]]
    assert may_fail == ["3.14"]


def test_the_workflow_may_only_read() -> None:
    workflow = parsed(WORKFLOW)
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in jobs().values())
    assert workflow["concurrency"]["cancel-in-progress"] is True
    assert "secrets" not in WORKFLOW.read_text(encoding="utf-8")
    # YAML 1.1 takes the key `on` for a truth value.
    triggers: Any = {str(key): value for key, value in workflow.items()}["True"]
    assert set(triggers) == {"push", "pull_request"}


def test_actions_are_pinned_to_a_major_version() -> None:
    uses = [step["uses"] for step in steps() if "uses" in step]
    assert uses
    assert [each for each in uses if not re.fullmatch(r"actions/[a-z-]+@v\d+", each)] == []


@pytest.mark.parametrize("tool", ["ruff", "mypy"])
def test_there_is_a_hook_for(tool: str) -> None:
    (hook,) = [hook for hook in hooks() if hook["id"] == tool]
    (target,) = asked_of_make(hook["entry"])
    assert target in targets()
    assert (hook["language"], hook["pass_filenames"]) == ("system", False)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (recipe,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, flags=re.MULTILINE)
    assert f"/{tool}" in recipe


def test_hooks_of_others_are_pinned() -> None:
    repositories = parsed(HOOKS)["repos"]
    assert [each for each in repositories if each["repo"] != "local" and "rev" not in each] == []


def test_what_work_on_abkit_needs_is_not_told_by_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["dependency-groups"]) == {"bench", "dev", "drivers"}
    extras = project["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    assert set(re.findall(r"\w+", everything.partition("[")[2])) == extras.keys() - {"all"}
