"""A plain page and one of Vue, as the documentation shows them, in a real browser."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page

from abkit.frontend.folder import write as write_generated
from abkit.frontend.typescript import typescript_files
from abkit.integrations.endpoint import PATH

from . import page_of_docs
from .declared import ShowPluginsExperiment
from .node_project import Project
from .site import Site, served

FILES = page_of_docs.files_of("without-react.md")
TEMPLATE = FILES["templates/directory.html"]
BARE = PATH.removesuffix("/")


@pytest.fixture(scope="module")
def plain(project: Project) -> Iterator[Site]:
    folder = project.folder / "plain"
    page_of_docs.write({"page.ts": FILES["page.ts"]}, folder)
    write_generated(folder / "experiments", typescript_files([ShowPluginsExperiment], react=False))
    ran = project.run(
        "esbuild/bin/esbuild", "plain/page.ts", "--bundle", "--outfile=plain/static/page.js"
    )
    assert ran.returncode == 0, ran.stderr
    with served(TEMPLATE, folder / "static") as site:
        yield site


@pytest.fixture(scope="module")
def vue(project: Project) -> Iterator[Site]:
    folder = project.folder / "vue"
    names = ("useExperiment.ts", "main.ts", "IntegrationDirectory.vue")
    page_of_docs.write({name: FILES[name] for name in names}, folder)
    write_generated(folder / "experiments", typescript_files([ShowPluginsExperiment], react=False))
    ran = project.run("vite/bin/vite.js", "build", "vue")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    template = TEMPLATE.replace('<p id="plugins" hidden>Plugins: Trello, PagerDuty</p>', "")
    template = template.replace("<h1>Integrations</h1>", '<div id="directory"></div>')
    with served(template, folder / "static") as site:
        yield site


@contextmanager
def opened(
    browser: Browser,
    site: Site,
    organization: str = "7",
    *,
    redirects: dict[str, tuple[str, int]] | None = None,
    delay: float = 0,
    script: str = "",
) -> Iterator[tuple[Page, list[str]]]:
    """The page of an organization, in a browser of its own, and what the console hears.

    Args:
        browser: Any.
        site: It begins anew.
        organization: Who is signed in.
        redirects: Of the site.
        delay: Of its endpoint, in seconds.
        script: Runs before those of the page.
    """
    site.begin_anew(redirects or {}, delay=delay)
    context = browser.new_context()
    page, said = context.new_page(), list[str]()
    page.on("console", lambda message: said.append(message.text))
    if script:
        page.add_init_script(script)
    page.goto(f"{site.address}/?org={organization}")
    yield page, said
    context.close()


def until(condition: Callable[[], object]) -> None:
    """Wait for what happens behind the page's back."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("variant", ["0", "1"])
def test_a_plain_page_shows_the_variant_and_logs_it(
    browser: Browser, plain: Site, variant: str
) -> None:
    organization = plain.organization(variant)
    with opened(browser, plain, organization) as (page, _):
        assert page.locator("#plugins").is_visible() == (variant == "1")
        until(plain.exposed)
    assert plain.exposed() == [organization]


@pytest.mark.parametrize("variant", ["0", "1"])
def test_a_page_of_vue_shows_the_variant_and_logs_it(
    browser: Browser, vue: Site, variant: str
) -> None:
    organization = vue.organization(variant)
    with opened(browser, vue, organization) as (page, _):
        page.locator("h1").wait_for()
        assert page.locator("#plugins").count() == int(variant)
        until(vue.exposed)
    assert vue.exposed() == [organization]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_the_path_without_its_slash_loses_nothing(
    browser: Browser, plain: Site, status: int
) -> None:
    with opened(browser, plain, redirects={PATH: (BARE, status)}) as (page, said):
        until(plain.exposed)
        until(lambda: page.evaluate("localStorage.length") == 1)
    assert plain.exposed() == ["7"]
    assert not any(each.startswith("abkit") for each in said)


def test_a_redirect_to_a_login_is_no_success_and_is_said(browser: Browser, plain: Site) -> None:
    with opened(browser, plain, redirects={PATH: ("/login", 302)}) as (page, said):
        while not said:
            page.wait_for_event("console")
        assert page.evaluate("localStorage.length") == 0
    (warning,) = said
    assert warning.startswith(
        f"abkit: ShowPluginsExperiment is not logged: {PATH} answered 200. "
        f"It was redirected to {plain.address}/login"
    )
    assert plain.exposed() == []


def test_what_the_server_refuses_is_said_in_the_console_once(browser: Browser, plain: Site) -> None:
    script = "document.cookie = 'org=8; path=/'"  # a page from a cache, of another session
    with opened(browser, plain, script=script) as (page, said):
        while not any(each.startswith("abkit") for each in said):
            page.wait_for_event("console")
    own = said[-1]
    assert f"{PATH} answered 403. It says: The session is not that unit's." in own


def test_what_is_on_its_way_outlives_the_page(browser: Browser, plain: Site) -> None:
    with opened(browser, plain, delay=0.5) as (page, _):
        until(lambda: PATH in plain.asked)
        assert plain.exposed() == []
        page.goto(f"{plain.address}/login")
        until(plain.exposed)
    assert plain.exposed() == ["7"]


def test_the_compiler_of_vue_refuses_what_the_page_says_it_does(
    project: Project, vue: Site
) -> None:
    text = FILES["IntegrationDirectory.vue"]
    wrong = {
        "WrongVariant.vue": text.replace("=== '1'", "=== '2'"),
        "WrongName.vue": text.replace("'ShowPluginsE", "'ShowPluginE"),
    }
    page_of_docs.write(wrong, project.folder / "vue")
    ran = project.run("vue-tsc/bin/vue-tsc.js", "--project", "vue/tsconfig.json")
    found = re.findall(r"^vue/(\S+)\(.*error (TS\d+)", ran.stdout, flags=re.MULTILINE)
    assert sorted(found) == [("WrongName.vue", "TS2345"), ("WrongVariant.vue", "TS2367")]
