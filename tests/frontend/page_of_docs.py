"""The files that a page of the documentation shows: blocks that begin with a comment of their path."""

import re
from pathlib import Path

HOWTO = Path(__file__).parents[2] / "docs" / "howto"
_BLOCK = re.compile(
    r"^```(?:html|typescript|tsx|javascript)\n"
    r"(?:// (?P<script>[\w./-]+)|<!-- (?P<markup>[\w./-]+) -->)\n"
    r"(?P<text>.*?)^```",
    re.DOTALL | re.MULTILINE,
)


def files_of(page: str) -> dict[str, str]:
    """By path, without the comment."""
    text = (HOWTO / page).read_text(encoding="utf-8")
    return {found["script"] or found["markup"]: found["text"] for found in _BLOCK.finditer(text)}


def write(files: dict[str, str], folder: Path) -> None:
    """Write them below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
