"""The generated files in a React application: what compiles, what does not, and what it does."""

import pytest

from .node_project import VERSIONS, Project


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("compiler", ["typescript", "typescript7"])
def test_the_compiler_refuses_the_mistakes_and_nothing_else(
    project: Project, compiler: str, version: str
) -> None:
    expected = project.expected_errors(version)
    assert len(expected) > 25
    assert project.errors(compiler, version) == expected


def test_it_behaves_in_react_18_and_19(project: Project) -> None:
    ran = project.run("vitest/vitest.mjs", "run", "--reporter=dot")
    assert ran.returncode == 0, ran.stdout + ran.stderr
