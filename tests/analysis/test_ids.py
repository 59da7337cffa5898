"""An id is the same unit in a request and in a table, whatever the type of the table's column."""

import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from abkit import Conversion, ExperimentManager, UserExperiment
from abkit.analysis import Analysis

UNITS = range(1, 401)


class Search(UserExperiment):
    variants = {"old": 0.5, "new": 0.5}
    metrics = [Conversion("bought")]


def as_uuid(number: int) -> uuid.UUID:
    return uuid.UUID(int=number)


@pytest.mark.parametrize(
    ("asked", "in_table"),
    [
        (int, float),
        (float, str),
        (np.int64, str),
        (as_uuid, lambda number: str(as_uuid(number))),
        (as_uuid, as_uuid),
        (lambda number: str(as_uuid(number)), as_uuid),
    ],
)
def test_exposures_and_actions_find_each_other(
    asked: Callable[[int], Any], in_table: Callable[[int], Any]
) -> None:
    events: list[Any] = []
    manager = ExperimentManager(on_event=events.append, strict=True)
    manager.add(Search)
    for number in UNITS:
        manager.log_exposure(Search, user=asked(number))
    exposures = pd.DataFrame(
        {
            "time": pd.Timestamp("2026-01-01"),
            "experiment": event.experiment,
            "unit_id": event.unit_id,
            "variant": event.variant,
        }
        for event in events
    )
    ids = [*map(in_table, UNITS)]
    if in_table is float:
        ids[0] = float("nan")  # what makes a column of ids one of floats
    actions = pd.DataFrame({"time": pd.Timestamp("2026-01-02"), "action": "bought", "user_id": ids})
    result = Analysis(Search, exposures=exposures, actions=actions).run()
    (metric,) = result.metrics
    arms = [metric.control, *(treatment.arm for treatment in metric.treatments)]
    assert sum(arm.moments.n for arm in arms) == len(UNITS)
    assert sum(arm.conversions or 0 for arm in arms) == len(UNITS) - (in_table is float)
