"""Debian's Chromium, as the tests start it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Request, sync_playwright

from .npm import cannot

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
"""The first is the same browser without windows, which takes half the time."""

ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    # Its process would do in software what a card does, frame by frame.
    "--disable-gpu",
    "--in-process-gpu",
)


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser; skips where there is none, except in CI."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        cannot("there is no Chromium here (Debian: apt-get install chromium-headless-shell)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


def note_complaints(context: BrowserContext, said: list[str], *, left: str) -> None:
    """Note whatever the pages of a context complain of, and the requests that fail.

    Args:
        context: Where the pages are opened.
        said: Where it is noted, beside the address.
        left: The type of the resources that the browser may still load, or send, when a page is left.
    """

    def says(each: Any) -> None:
        said.append(f"{each.page.url}: {each}")

    def failed(request: Request) -> None:
        # The browser itself aborts these then.
        if request.resource_type != left or request.failure != "net::ERR_ABORTED":
            said.append(f"{request.url}: {request.failure}")

    context.on("console", says)
    context.on("weberror", says)
    context.on("requestfailed", failed)
