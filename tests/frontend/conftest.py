"""What the tests of the front end share."""

import pytest

from .node_project import Project, make_project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """An application with React 18 and one with React 19, with generated files."""
    return make_project(tmp_path_factory.mktemp("web") / "project")
