"""Next.js in front of Flask, as the documentation shows it: built, served and opened."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser

from abkit.frontend.folder import write as write_generated
from abkit.frontend.typescript import typescript_files
from abkit.integrations.endpoint import PATH

from ..npm import installed
from . import page_of_docs
from .declared import ShowPluginsExperiment
from .site import Site, served

SOURCES = Path(__file__).with_name("next")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served("", tmp_path_factory.mktemp("static")) as site:
        yield site


@pytest.fixture(scope="module")
def address(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where Next.js serves what it has built, with the site behind it."""
    folder = tmp_path_factory.mktemp("next") / "project"
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("node_modules"))
    # Its bundler leaves out what a symbolic link says is elsewhere.
    modules = installed(SOURCES) / "node_modules"
    shutil.copytree(modules, folder / "node_modules", symlinks=True, copy_function=_linked)
    page_of_docs.write(page_of_docs.files_of("next-js.md"), folder)
    write_generated(folder / "experiments", typescript_files([ShowPluginsExperiment]))
    environment = {**os.environ, "BACKEND_URL": site.address, "NEXT_TELEMETRY_DISABLED": "1"}
    command = ["node", "node_modules/next/dist/bin/next"]
    ran = subprocess.run(
        [*command, "build"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    serving = subprocess.Popen(
        [*command, "start", "--hostname", "127.0.0.1", "--port", port],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert serving.stdout is not None
    assert any("Ready" in line for line in serving.stdout)
    yield f"http://127.0.0.1:{port}"
    serving.send_signal(signal.SIGTERM)
    serving.communicate()


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # it is on another disk
        shutil.copy2(source, target)


@pytest.mark.parametrize("variant", ["0", "1"])
def test_the_page_shows_the_variant_and_its_exposure_reaches_python(
    browser: Browser, site: Site, address: str, variant: str
) -> None:
    site.begin_anew({})
    organization = site.organization(variant)
    context = browser.new_context()
    context.add_cookies([{"name": "org", "value": organization, "url": address}])
    page = context.new_page()
    asked: list[tuple[str, int]] = []
    page.on("response", lambda each: asked.append((each.url.removeprefix(address), each.status)))
    page.goto(address)
    assert page.locator("#plugins").count() == int(variant)
    page.wait_for_function("localStorage.length == 1")
    context.close()
    bare = PATH.removesuffix("/")
    assert [each for each in asked if each[0].startswith("/abkit")] == [(PATH, 308), (bare, 204)]
    assert site.exposed() == [organization]


def test_the_variant_is_in_the_first_html(site: Site, address: str) -> None:
    cookies = {"org": site.organization("1")}
    assert "Plugins: Trello" in requests.get(address, cookies=cookies, timeout=30).text
