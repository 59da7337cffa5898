"""What npm installs for tests: once, into a cache outside the tree."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest


def installed(root: Path, packages: Sequence[str] = ("",)) -> Path:
    """A folder with the `node_modules` of each package; skips where it cannot be, except in CI.

    Args:
        root: Below it are the packages, each with its package.json.
        packages: Their folders, relative to the root; "" is the root itself.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        cannot("there is no Node.js with npm here (Debian: apt-get install nodejs npm)")
    texts = {each: (root / each / "package.json").read_text("utf-8") for each in packages}
    digest = hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "abkit-tests"
    found = caches / f"npm-{digest}"
    if found.exists():
        return found
    caches.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=caches))
    for package, text in texts.items():
        (unfinished / package).mkdir(exist_ok=True)
        (unfinished / package / "package.json").write_text(text, encoding="utf-8")
        _install(unfinished / package)
    try:
        unfinished.rename(found)
    except OSError:  # another process was faster
        shutil.rmtree(unfinished)
    return found


def cannot(reason: str) -> None:
    """Skip, and say why; in CI, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _install(folder: Path) -> None:
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        cannot(f"npm install failed: {ran.stderr.strip()[-500:]}")
