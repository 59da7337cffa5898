"""What the tests of the front end share."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from ..chromium import launched
from .node_project import Project, make_project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """An application with React 18 and one with React 19, with generated files."""
    return make_project(tmp_path_factory.mktemp("web") / "project")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; no longer than a module, because Playwright's event loop is in the way of others."""
    with launched() as browser:
        yield browser
