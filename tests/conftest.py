"""What all tests share: the reference material, where it exists, and a manager of their own."""

import json
import os
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from abkit import ExperimentManager

# A busy machine is no reason to fail.
hypothesis.settings.register_profile("abkit", deadline=None)
hypothesis.settings.load_profile("abkit")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared_file(relative: str) -> Path:
    """A file of the reference material; skips where there is none, except in CI."""
    path = SHARED / relative
    if not path.exists():
        reason = f"the reference material has no {relative} here"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture
def planout_vectors() -> list[dict[str, Any]]:
    vectors: list[dict[str, Any]] = json.loads(shared_file("vectors/planout.json").read_text())[
        "vectors"
    ]
    return vectors


@pytest.fixture
def manager() -> ExperimentManager:
    """A manager that raises what goes wrong."""
    return ExperimentManager(strict=True)
