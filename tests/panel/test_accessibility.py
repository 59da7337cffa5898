"""What axe-core finds on the panel's pages: nothing that is serious, in light and dark, wide and narrow."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.npm import installed
from tests.panel.hosts import Host, standalone
from tests.panel.person import CHECKOUT, Person

AXE = Path(__file__).with_name("axe")

PAGES = {
    "the overview": "",
    **{
        part or "summary": f"{CHECKOUT}{part}"
        for part in (
            *("", "analysis/?by=plan", "over-time/", "segments/?by=plan", "exposures/", "health/"),
            *("plan/", "history/", "act/?act=roll+back", "act/?act=roll+out&variant=express"),
            *("nothing/", "?control=nobody&confidence=2"),
        )
    },
}

SERIOUS = """async () => {
  for (const each of document.querySelectorAll("details")) each.open = true;
  const found = await axe.run(document, { resultTypes: ["violations"] });
  if (!found.passes.some((each) => each.id === "color-contrast")) return ["nothing was looked at"];
  return found.violations
    .filter((each) => ["serious", "critical"].includes(each.impact))
    .flatMap((each) => each.nodes.map((node) => `${each.id}: ${node.html} ${node.failureSummary}`));
}"""


@pytest.fixture(scope="module")
def host(shop_events: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with standalone(shop_events, tmp_path_factory.mktemp("alone")) as host:
        yield host


@pytest.fixture(scope="module", params=[("light", 1280), ("dark", 390)], ids=str)
def person(request: pytest.FixtureRequest, browser: Browser, host: Host) -> Iterator[Person]:
    """Somebody with such a screen, whose pages have axe-core, past the rules for what pages may load."""
    scheme, width = request.param
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True
    )
    context.add_init_script(path=installed(AXE) / "node_modules/axe-core/axe.min.js")
    yield Person(context, host)
    context.close()


@pytest.mark.parametrize("shown", PAGES)
def test_nothing_serious_is_found(person: Person, shown: str) -> None:
    person.page.goto(person.host.panel + PAGES[shown])
    person.waits()
    assert person.page.evaluate(SERIOUS) == []
