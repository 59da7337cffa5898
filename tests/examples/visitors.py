"""What people do in the Integration Directory, each in a browser of their own."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attrs import Factory, define
from playwright.sync_api import Browser, Locator, Page, expect

from ..chromium import note_complaints
from .served import Server

PEOPLE = [range(first, first + 6) for first in range(1, 19, 6)]
"""Three consultants, each a member of six organizations."""

ORGANIZATIONS = [number for organizations in PEOPLE for number in organizations]
WITH_COLLEAGUE = ORGANIZATIONS[::6]
"""Of these, somebody else visits too."""

ACME = 64
"""Our own organization: its variant is forced."""


@define
class Visits:
    """What was done and seen.

    Attributes:
        shown: The variant that each organization was shown.
        clicks: How often each organization clicked each link.
        said: What the browsers complained of.
    """

    shown: dict[int, str] = Factory(dict)
    clicks: Counter[tuple[int, str]] = Factory(Counter)
    said: list[str] = Factory(list)


def visit(browser: Browser, server: Server) -> Visits:
    """Each organization is visited twice; in two of three somebody clicks, in one of three again."""
    visits = Visits()

    def click(number: int, link: Locator, how: Callable[[Locator], None]) -> None:
        slug = (link.get_attribute("href") or "").split("/")[-2]
        visits.clicks[number, slug] += 1
        how(link)
        # A beacon is sent behind the page's back; who closes the browser must wait for it.
        _until(lambda: server.answered("POST /clicks/") >= visits.clicks.total())

    for organizations in PEOPLE:
        with _person(browser, server, visits) as page:
            for number in organizations:
                exposed(page, number)
                visits.shown[number] = shown(page)
                if number % 3 == 1:
                    click(number, page.get_by_role("link", name="Slack"), by_mouse)
                elif number % 3 == 2:
                    click(number, page.get_by_role("link", name="Jira"), by_keyboard)
            for number in organizations:
                sign_in(page, number)
                assert shown(page) == visits.shown[number]
                if number % 3 == 2:
                    last = page.get_by_role("listitem").get_by_role("link").last
                    click(number, last, in_a_new_tab)
    with _person(browser, server, visits) as page:
        for number in WITH_COLLEAGUE:
            exposed(page, number)
            assert shown(page) == visits.shown[number]
        sign_in(page, ACME)
        visits.shown[ACME] = shown(page)
        click(ACME, page.get_by_role("link", name="WebHooks"), by_mouse)
    return visits


def sign_in(page: Page, number: int) -> None:
    """Choose an organization, and see its directory."""
    page.get_by_role("combobox").select_option(index=number - 1)
    page.get_by_role("button").click()
    page.wait_for_load_state()
    expect(page.get_by_label("Signed in as")).to_have_js_property("selectedIndex", number - 1)


def exposed(page: Page, number: int) -> None:
    """The same, and the page tells the server that it has shown the links."""
    with page.expect_response("**/abkit/log-exposure/"):
        sign_in(page, number)


def shown(page: Page) -> str:
    """The variant, by what a person sees."""
    expect(page.get_by_role("link", name="Slack")).to_be_visible()
    return "1" if page.get_by_text("Plugin", exact=True).count() else "0"


def by_mouse(link: Locator) -> None:
    """Click, and be there."""
    link.click()
    link.page.wait_for_url("**/integrations/*/")


def by_keyboard(link: Locator) -> None:
    """Press Enter on the link, and be there."""
    link.focus()
    link.page.keyboard.press("Enter")
    link.page.wait_for_url("**/integrations/*/")


def in_a_new_tab(link: Locator) -> None:
    """Click with the middle button."""
    with link.page.context.expect_page() as opened:
        link.click(button="middle")
    # Its load event may have been before Playwright listened.
    opened.value.wait_for_url("**/integrations/*/", wait_until="commit")


@contextmanager
def _person(browser: Browser, server: Server, visits: Visits) -> Iterator[Page]:
    """A person with a browser of their own, at the directory; whatever the browser says is noted."""
    context = browser.new_context()
    note_complaints(context, visits.said, left="ping")
    page = context.new_page()
    page.goto(server.address)
    yield page
    context.close()


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(400):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("the click did not reach the server")
