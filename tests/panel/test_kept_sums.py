"""Sums in memory."""

import pickle
import tracemalloc
from datetime import date
from pathlib import Path

import pytest
from tests.panel.shop import analysis_of

from abkit.analysis.experiment_sums import ExperimentSums
from abkit.panel import kept_sums
from abkit.panel.glance import Glance
from abkit.panel.kept_sums import FEWEST_SUMS, MOST_SUMS, KeptSums, weight
from abkit.panel.questions import Question
from abkit.panel.sums_files import SumsFiles


@pytest.fixture(scope="module")
def sums(shop_events: Path) -> ExperimentSums:
    return analysis_of(shop_events).gather()


def questions(count: int) -> list[Question]:
    return [Question("Checkout", until=date.fromordinal(739_000 + day)) for day in range(count)]


def test_those_that_were_asked_for_last_are_kept(sums: ExperimentSums) -> None:
    kept = KeptSums()
    first, second, *others = questions(MOST_SUMS + 1)
    for question in (first, second, *others[:-1]):
        kept.put(question, sums)
    assert kept.get(first) is sums
    kept.put(others[-1], sums)
    assert kept.get(first) is sums
    assert kept.get(second) is None


def test_they_weigh_no_more_than_there_is_room(
    sums: ExperimentSums, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_sums, "MOST_BYTES", 3 * weight(sums))
    kept = KeptSums()
    for question in questions(5):
        kept.put(question, sums)
    assert kept.weight == 3 * weight(sums)
    monkeypatch.setattr(kept_sums, "MOST_BYTES", 1)
    kept.put(Question("Checkout"), sums)
    assert kept.weight == FEWEST_SUMS * weight(sums)
    assert kept.get(Question("Checkout")) is sums


def test_the_same_question_is_weighed_once(sums: ExperimentSums) -> None:
    kept = KeptSums()
    kept.put(Question("Checkout"), sums)
    kept.put(Question("Checkout"), sums)
    assert kept.weight == weight(sums)


def test_the_weight_is_about_what_they_take(tmp_path: Path, sums: ExperimentSums) -> None:
    files = SumsFiles(tmp_path / "kept", version=lambda _: "1")
    files.put(Question("Checkout"), sums, Glance())
    pickle.dumps(0)
    tracemalloc.start()
    read = files.sums(Question("Checkout"))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read is not None
    assert 0.5 * taken < weight(sums) < 2 * taken
