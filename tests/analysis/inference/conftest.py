"""The peers' own numbers, and what they are computed with."""

import json
import os
from collections.abc import Callable
from math import sqrt
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from abkit.analysis.aggregates import Moments

VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "analysis.json"

Vector: TypeAlias = Callable[[str], dict[str, Any]]
LinearDelta: TypeAlias = Callable[[Moments, Moments], tuple[float, float]]


@pytest.fixture(scope="session")
def vector() -> Vector:
    """A case of a peer's test suite, by its name."""
    if not VECTORS.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{VECTORS} is missing")
        pytest.skip("the peers' vectors are not beside this checkout")
    cases = {case["name"]: case for case in json.loads(VECTORS.read_text(encoding="utf-8"))}
    return cases.__getitem__


@pytest.fixture(scope="session")
def linear_delta() -> LinearDelta:
    """Lift and standard error by the linear delta method, which some peers use."""

    def lift_and_error(control: Moments, treatment: Moments) -> tuple[float, float]:
        own = treatment.variance / treatment.n / control.mean**2
        others = control.variance / control.n * treatment.mean**2 / control.mean**4
        return treatment.mean / control.mean - 1, sqrt(own + others)

    return lift_and_error
