"""Locks that know when the weights of experiments changed."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from abkit.experiments.checking.lock import LOCK_FILE

Phase = tuple[datetime, Mapping[str, float] | None]
"""Its beginning, and its weights."""


def write_phases(project: Path, phases: Iterable[Phase], *experiments: str) -> None:
    """Make a folder a project whose lock has the phases for each of the experiments."""
    states = [{"at": at.isoformat(), "weights": weights} for at, weights in phases]
    lock = {"version": 1, "experiments": {name: {"phases": states} for name in experiments}}
    (project / "pyproject.toml").write_text("")
    (project / LOCK_FILE).write_text(json.dumps(lock))
