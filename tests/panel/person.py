"""A person in front of a browser, who looks at the panel and acts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode

from playwright.sync_api import Browser, BrowserContext, Page
from tests.chromium import note_complaints
from tests.panel.asking import PATIENCE
from tests.panel.hosts import Host

CHECKOUT = "experiments/Checkout/"

Numbers: TypeAlias = dict[tuple[str, str], dict[str, Any]]
"""Of each metric and variant: the lift and its interval, as values and as texts."""

SHOWN = """() => [...document.querySelectorAll("section.metric")].flatMap((metric) =>
  [...metric.querySelectorAll("tr.compared")].map((row) => {
    const numbers = [...row.querySelectorAll("data")];
    const texts = numbers.length ? numbers : [row.querySelector(".waiting")];
    return [
      metric.querySelector("h3").firstChild.textContent.trim(),
      row.querySelector("th").textContent.trim(),
      {
        values: numbers.flatMap((each) => each.value.split(" ").map(Number)),
        texts: texts.map((each) => each.textContent.trim()),
      },
    ];
  }))"""


class Person:
    """Somebody in front of a browser, signed in."""

    def __init__(self, context: BrowserContext, host: Host) -> None:
        self.host = host
        self.page: Page = context.new_page()
        self.page.goto(host.enter)

    def opens(self, part: str) -> None:
        self.page.goto(self.host.panel + CHECKOUT + part)
        self.waits()

    def shows(self) -> None:
        """What was changed in the form is shown."""
        self.waits()

    def waits(self) -> None:
        """Until the page is whole and nothing is being read any more."""
        self.page.wait_for_load_state()
        self.page.locator("[data-busy], [data-refresh]").first.wait_for(state="detached")

    @property
    def query(self) -> str:
        """What the address says of the controls."""
        return self.page.url.partition("?")[2]

    @property
    def numbers(self) -> Numbers:
        return {(metric, variant): of for metric, variant, of in self.page.evaluate(SHOWN)}


class PersonWithoutScript(Person):
    """The same, with a browser that runs no script."""

    def shows(self) -> None:
        self.page.get_by_role("button", name="Show").click()
        self.waits()

    def waits(self) -> None:
        self.page.wait_for_load_state()  # A click comes back as soon as the next page begins.
        deadline = time.monotonic() + PATIENCE
        while self.page.locator("[data-refresh]").count() and time.monotonic() < deadline:
            self.page.reload()

    @property
    def query(self) -> str:
        """Without what is left as it is, which a script would leave out."""
        return urlencode(parse_qsl(super().query))


@contextmanager
def signed_in(browser: Browser, host: Host) -> Iterator[Person]:
    """A person whose browser complains of nothing."""
    said: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    note_complaints(context, said, left="fetch")
    yield Person(context, host)
    context.close()
    refusals = ("status of 403", "status of 409")  # Tests ask for them.
    assert [each for each in said if not any(of in each for of in refusals)] == []


@contextmanager
def signed_in_without_script(browser: Browser, host: Host) -> Iterator[Person]:
    """A person whose browser runs no script."""
    context = browser.new_context(java_script_enabled=False)
    yield PersonWithoutScript(context, host)
    context.close()
