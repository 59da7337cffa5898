"""How an experiment is to be judged, written down with the time, so that later changes can be said. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise
from typing import Any

import attrs

from abkit.events import variant_text
from abkit.experiments.checking.written_times import time_of, written_time
from abkit.experiments.declaring.analysis_plan import AnalysisPlan, fields_of_a_plan
from abkit.experiments.declaring.conditions import Condition
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.metrics import Metric, Missing

_CALLED = {
    "missing": "treatment of missing values",
    "mature_only": "waiting for the window",
    "where": "condition",
}
"""What a field of a metric is called where its own name says too little."""

State = Mapping[str, Any]
"""How an experiment is judged, as JSON-ready values: `control`, `metrics` by name, `plan`."""


@attrs.frozen
class Amendment:
    """A change of how an experiment is judged.

    Attributes:
        at: When it was first written down, UTC.
        what: What was changed, such as "the goal of 'signed up' was changed from 0.02 to 0.05".
    """

    at: datetime
    what: str

    def since(self, start: datetime) -> str:
        """What was changed, and on which day of the experiment, its first being 1."""
        return f"{self.what} on day {(self.at - start) // timedelta(days=1) + 1}"


def judged(declaration: Declaration) -> dict[str, Any]:
    """How an experiment is judged now, as JSON-ready values."""
    plan = declaration.plan
    return {
        "control": None if declaration.control is None else variant_text(declaration.control),
        "metrics": {metric.name: _metric(metric) for metric in declaration.metrics},
        "plan": {} if plan is None else _plan(plan),
    }


def registered(history: Sequence[State], now: State, *, at: datetime) -> list[State]:
    """What was written down, and after it what holds now, if that is something else.

    Args:
        history: What was written down so far, the oldest first, each with its time as `at`.
        now: What holds now, as `judged` gives it.
        at: The time, UTC.
    """
    if history and not differences(history[-1], now):
        return [*history]
    return [*history, {"at": written_time(at), **now}]


def amendments(history: Sequence[State]) -> tuple[Amendment, ...]:
    """The changes that were written down, the oldest first.

    Raises:
        ValueError: A state has no time, or one of another form.
    """
    times = [time_of(state) for state in history]
    return tuple(
        Amendment(at, what)
        for at, (before, after) in zip(times[1:], pairwise(history), strict=True)
        for what in differences(before, after)
    )


def differences(before: State, after: State) -> tuple[str, ...]:
    """How one state differs from another, in clauses."""
    return tuple(_differences(before, after))


def _differences(before: State, after: State) -> Iterable[str]:
    if before.get("control") != after.get("control"):
        yield _changed("the control", before.get("control"), after.get("control"))
    old, new = before.get("metrics", {}), after.get("metrics", {})
    for name in [*old, *(each for each in new if each not in old)]:
        if name not in new:
            yield f"the metric {name!r} was removed"
        elif name not in old:
            yield f"the metric {name!r} was added"
        else:
            for field in {**old[name], **new[name]}:
                values = old[name].get(field), new[name].get(field)
                if values[0] != values[1]:
                    called = _CALLED.get(field, field.replace("_", " "))
                    yield _changed(f"the {called} of {name!r}", *values)
    if [*old] != [*new] and sorted(old) == sorted(new):
        yield "the order of the metrics was changed"
    plans = before.get("plan", {}), after.get("plan", {})
    for field in {**plans[0], **plans[1]}:
        was, now = plans[0].get(field), plans[1].get(field)
        if was != now:
            yield _changed(f"the plan's {field.replace('_', ' ')}", was, now)


def _changed(what: str, before: object, after: object) -> str:
    if before is None:
        return f"{what} was set to {_shown(after)}"
    if after is None:
        return f"{what} was removed; it was {_shown(before)}"
    return f"{what} was changed from {_shown(before)} to {_shown(after)}"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _metric(metric: Metric) -> dict[str, Any]:
    said = {name: value for name, value in _fields(metric).items() if name != "name"}
    return {"type": type(metric).__name__, **said}


def _plan(plan: AnalysisPlan) -> dict[str, Any]:
    """What a plan says; what it does not say is left out, as the project or a later default may."""
    return {name: _plain(getattr(plan, name)) for name in fields_of_a_plan() if name in plan.given}


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, timedelta):
        return f"{value / timedelta(days=1):g} days"
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(
            (_plain(each) for each in value), key=repr
        )  # Their own order is another in each run.
    if attrs.has(type(value)) and not isinstance(value, Condition):
        return {"type": type(value).__name__, **_fields(value)}
    return repr(value)


def _fields(value: Any) -> dict[str, Any]:
    pairs = ((each.name, getattr(value, each.name)) for each in attrs.fields(type(value)))
    return {name: _plain(each) for name, each in pairs if not _is_left_out(name, each)}


def _is_left_out(name: str, value: object) -> bool:
    """Whether a field says nothing, or what locks from before said without having it."""
    # `missing` is told by identity, as it equals the text of an action "error".
    return value is None or value is Missing.ERROR or (name == "mature_only" and value is False)
