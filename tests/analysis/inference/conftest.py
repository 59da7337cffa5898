"""The peers' own numbers."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "analysis.json"


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    """The cases of the peers' test suites, by their names."""
    if not VECTORS.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{VECTORS} is missing")
        pytest.skip("the peers' vectors are not beside this checkout")
    return {case["name"]: case for case in json.loads(VECTORS.read_text(encoding="utf-8"))}
