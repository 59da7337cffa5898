"""How often something happened, and where its probability lies."""

import pytest

from abkit.analysis.rehearsal.outcome import Frequency


@pytest.mark.parametrize(
    ("count", "of", "interval"),
    [
        (0, 500, (0.0, 0.00735)),
        (25, 500, (0.03260, 0.07293)),
        (20, 20, (0.83157, 1.0)),
    ],
)
def test_the_interval_is_the_exact_one(count: int, of: int, interval: tuple[float, float]) -> None:
    assert Frequency(count=count, of=of).interval == pytest.approx(interval, abs=2e-5)
    assert Frequency(count=count, of=of).share == count / of
