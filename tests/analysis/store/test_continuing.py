"""With a store, an analysis has the numbers of one from nothing, however the events arrive."""

import random
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta

import pytest
from freezegun import freeze_time
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit import UserExperiment
from abkit.analysis import Analysis, Result
from abkit.errors import AbkitError

from .arriving_events import (
    LENGTH,
    START,
    Everything,
    Hourly,
    Unusual,
    actions,
    differences,
    exposures,
    write,
)


def outcome(run: Callable[[], Result]) -> object:
    """A result, or why there is none."""
    try:
        return run().to_dict()
    except AbkitError as error:
        return f"{type(error).__name__}: {error}"


@given(st.integers(0, 2**32), st.sampled_from([Everything, Unusual, Hourly]), st.booleans())
@settings(max_examples=4)
def test_each_run_has_the_numbers_of_a_run_from_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    experiment: type[UserExperiment],
    at_once: bool,
) -> None:
    """Whether the events were analyzed at once, or long after they happened."""
    rng, events = random.Random(seed), tmp_path_factory.mktemp("events")  # noqa: S311
    arriving = {"exposures": exposures(rng, units=50), "actions": actions(rng, units=50)}
    moments = sorted(rng.random() * LENGTH for _ in range(rng.randrange(1, 4)))
    before = float("-inf")
    for run, moment in enumerate([*moments, LENGTH + 20]):
        for kind, rows in arriving.items():
            new = [each.event for each in rows if before < each.at <= moment]
            write(new, events / kind, str(run))
            (events / kind).mkdir(exist_ok=True)
        before = moment
        analysis = Analysis(experiment, exposures=events / "exposures", actions=events / "actions")
        stored = Analysis(
            experiment,
            exposures=events / "exposures",
            actions=events / "actions",
            store=events / "store.duckdb",
        )
        with freeze_time(START + timedelta(days=moment)) if at_once else nullcontext():
            assert [*differences(outcome(analysis.run), outcome(stored.run))] == []
