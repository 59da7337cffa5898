"""The documentation is built without a warning, and nothing is fetched when it is read."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FETCHES = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "object": "data",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the HTML, built as `make docs` builds it, but with all warnings."""
    target = tmp_path_factory.mktemp("docs")
    options = ["-W", "-n", "-q", "-b", "html", "-d", str(target / "trees")]
    ran = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(ROOT / "docs"), str(target / "html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return target / "html"


class Fetched(HTMLParser):
    """What a browser fetches for a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        url = dict(attrs).get(FETCHES.get(tag, ""))
        if url is not None:
            self.urls.append(url)


def test_it_is_built_without_a_warning(built: Path) -> None:
    assert (built / "index.html").is_file()
    assert (built / "api" / "analysis.html").is_file()


def test_no_page_fetches_anything_from_elsewhere(built: Path) -> None:
    pages = [*built.rglob("*.html")]
    urls = [url for page in pages for url in Fetched(page).urls]
    assert len(urls) > len(pages), "the test must see the style sheets"
    assert [url for url in urls if re.match(r"(?:[a-z]+:)?//", url)] == []


def test_no_style_sheet_fetches_anything_from_elsewhere(built: Path) -> None:
    sheets = [sheet.read_text(encoding="utf-8") for sheet in built.rglob("*.css")]
    assert sheets
    assert [
        found for sheet in sheets for found in re.findall(r"url\([\"']?(?:https?:)?//.*?\)", sheet)
    ] == []
    assert not any(
        re.search(r"@import\s+(?:url\()?[\"']?(?:https?:)?//", sheet) for sheet in sheets
    )


def test_formulas_are_shown_by_the_browser_itself(built: Path) -> None:
    page = (built / "concepts" / "methods.html").read_text(encoding="utf-8")
    assert page.count("<math ") > 50


def test_every_page_is_in_the_contents(built: Path) -> None:
    index = (built / "index.html").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")]
    hidden = [str(page) for page in pages if str(page.with_suffix(".html")) not in index]
    assert hidden == ["index.md"] or hidden == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_of_what_sphinx_does_not_see_lead_to_files(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []
