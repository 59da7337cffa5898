"""Take the pictures of docs/images again: `make pictures`, or `python -m tests.pictures [FOLDER]`."""

import socket
import sys
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import uvicorn
from attrs import frozen
from playwright.sync_api import Browser, FloatRect, Page
from tests.chromium import launched

from abkit.experiments.changing.settings_writer import SettingsWriter
from abkit.panel import Panel, StoredSource
from abkit.panel.asgi import application

from .shop import NOW, manager, write_events

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
TOKEN = "pictures"  # noqa: S105 - it opens nothing
WIDTH = 1280
BELOW = 20
"""What is seen of what follows, in pixels."""


_AS_WEBP = """async (source) => {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d").drawImage(image, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.9 });
  return new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.readAsDataURL(blob);
  });
}"""


@frozen
class Picture:
    """What is taken: a page from its top.

    Attributes:
        path: Of the page.
        until: The last part that is in the picture, as a selector.
    """

    path: str
    until: str


PICTURES: Mapping[str, Picture] = MappingProxyType(
    {
        "panel-overview": Picture("", "#rows"),
        "panel-summary": Picture("experiments/CheckoutPage/", ".scorecard tbody"),
        "panel-analysis": Picture("experiments/CheckoutPage/analysis/", ".metric"),
        "panel-over-time": Picture("experiments/CheckoutPage/over-time/", "figcaption"),
        "panel-act": Picture(
            "experiments/CheckoutPage/act/?act=roll+out&variant=one+page%2C+express+payment+first",
            ".act",
        ),
        "panel-history": Picture("experiments/TrialLength/history/", "section.panel"),
    }
)


@contextmanager
def shown() -> Iterator[str]:
    """The address of a panel of the shop, until the block ends."""
    with TemporaryDirectory() as where, chdir(where):
        events, settings = Path("events"), Path("experiments.toml")
        write_events(events)
        changes = SettingsWriter(settings, now=lambda: NOW)
        panel = Panel(
            StoredSource(manager(settings), events=str(events)), changes=changes, clock=lambda: NOW
        )
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(application(panel, token=TOKEN, name="grace"), log_level="warning")
        server = uvicorn.Server(config)
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        serving.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            server.should_exit = True
            serving.join()
            panel.close()


def opened(page: Page, address: str) -> None:
    """Open a page, and wait until nothing is being read."""
    page.goto(address)
    page.locator("[data-refresh]").first.wait_for(state="detached")


def roll_back(page: Page, address: str, experiment: str, why: str) -> None:
    """Act, as a person does."""
    opened(page, f"{address}experiments/{experiment}/act/?act=roll+back")
    page.get_by_label("Why?").fill(why)
    page.get_by_role("button", name="Roll back").click()
    page.wait_for_url("**/history/")
    page.wait_for_timeout(1_500)  # Applications look at the settings each second.


def as_webp(page: Page, png: bytes) -> bytes:
    """The same picture in a third of the room, by the browser itself."""
    shown = str(page.evaluate(_AS_WEBP, f"data:image/png;base64,{b64encode(png).decode()}"))
    return b64decode(shown.partition(",")[2])


def take(browser: Browser, address: str, folder: Path) -> None:
    """Take all pictures."""
    context = browser.new_context(viewport={"width": WIDTH, "height": 800}, color_scheme="light")
    page, drawing = context.new_page(), context.new_page()
    opened(page, f"{address}?token={TOKEN}")
    roll_back(page, address, "TrialLength", "Fewer subscribe, and support has more to do.")
    for name, picture in PICTURES.items():
        opened(page, address + picture.path)
        page.wait_for_load_state("networkidle")
        last = page.locator(picture.until).first.bounding_box()
        assert last is not None
        height = last["y"] + last["height"] + BELOW
        part: FloatRect = {"x": 0, "y": 0, "width": WIDTH, "height": height}
        taken = page.screenshot(full_page=True, clip=part)
        (folder / f"{name}.webp").write_bytes(as_webp(drawing, taken))
    context.close()


def main() -> None:
    """Take the pictures, into the folder that was named."""
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with shown() as address, launched() as browser:
        take(browser, address, folder)


if __name__ == "__main__":
    main()
