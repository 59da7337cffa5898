"""The generated files pass the linters of a strict application as they are."""

from .node_project import VERSIONS, Project

GENERATED = [f"{version}/{each}" for version in VERSIONS for each in ("experiments", "hostile")]


def test_typescript_eslint_and_the_rules_of_react_find_nothing(project: Project) -> None:
    ran = project.run("eslint/bin/eslint.js", "--max-warnings", "0", *GENERATED)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_oxlint_finds_nothing(project: Project) -> None:
    ran = project.run("oxlint/bin/oxlint", "--react-plugin", "--deny-warnings", *GENERATED)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_they_are_formatted(project: Project) -> None:
    ran = project.run("prettier/bin/prettier.cjs", "--check", "react19/experiments/*.ts*")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_prettier_of_other_settings_passes_them_by_where_they_are_ignored(
    project: Project,
) -> None:
    check = ("prettier/bin/prettier.cjs", "--no-config", "--check", "react19/**/*.ts")
    ignored = project.folder / ".prettierignore"
    ignored.write_text("react19/tests/\n", encoding="utf-8")
    assert "react19/experiments" in project.run(*check).stderr
    ignored.write_text("react19/tests/\nexperiments/\nhostile/\nempty/\n", encoding="utf-8")
    assert "react19/experiments" not in project.run(*check).stderr
