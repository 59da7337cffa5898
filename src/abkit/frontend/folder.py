"""The folder of the generated files: what differs in it, and how it is written."""

from collections.abc import Mapping
from difflib import unified_diff
from enum import StrEnum
from pathlib import Path

from attrs import frozen

from abkit.errors import ConfigError
from abkit.frontend.typescript import HEADER


class Drift(StrEnum):
    """How a file differs from what the experiments say."""

    MISSING = "missing"
    DIFFERS = "differs"
    STALE = "stale"
    """An earlier version generated it; nothing does now."""


@frozen
class Drifted:
    """A file that is not as the experiments say.

    Attributes:
        path: Where it is, or should be.
        drift: How it differs.
        diff: From what it holds to what it should hold, as lines; empty unless it differs.
    """

    path: Path
    drift: Drift
    diff: tuple[str, ...] = ()


def drifted(folder: Path, texts: Mapping[str, str]) -> tuple[Drifted, ...]:
    """What in the folder is not as it should be; line endings do not matter.

    Args:
        folder: Where the files are; it need not exist.
        texts: The files by their names.

    Raises:
        OSError: One of the files cannot be read.
    """
    found = []
    for name, text in texts.items():
        path = folder / name
        if not path.exists():
            found.append(Drifted(path, Drift.MISSING))
            continue
        present = path.read_text(encoding="utf-8", errors="replace")
        if present != text:
            before, after = present.splitlines(), text.splitlines()
            diff = unified_diff(before, after, str(path), "the experiments", n=1, lineterm="")
            found.append(Drifted(path, Drift.DIFFERS, tuple(diff)))
    found += [
        Drifted(path, Drift.STALE)
        for path in sorted([*folder.glob("*.ts"), *folder.glob("*.tsx")])
        if path.name not in texts and _is_generated(path)
    ]
    return tuple(found)


def write(folder: Path, texts: Mapping[str, str]) -> tuple[Path, ...]:
    """Write the files that are missing or differ, each in one step.

    Args:
        folder: Where to; it is made if there is none.
        texts: The files by their names.

    Returns:
        The files that were written.

    Raises:
        ConfigError: A file of that name exists that abkit has not written. Then nothing is written.
        OSError: A file cannot be written.
    """
    paths = [each.path for each in drifted(folder, texts) if each.drift is not Drift.STALE]
    for path in paths:
        if path.exists() and not _is_generated(path):
            message = (
                f"{path} was not written by abkit typescript: its first line is not "
                f'"{HEADER.strip()}". Move it, or give another folder.'
            )
            raise ConfigError(message)
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        unfinished = path.with_name(f".{path.name}.new")
        unfinished.write_text(texts[path.name], encoding="utf-8", newline="\n")
        unfinished.replace(path)
    return tuple(paths)


def _is_generated(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline() == HEADER
