"""The plan by which an experiment is to be judged: what it declares, over what the project does."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from enum import Enum
from typing import Any

from attrs import frozen

from abkit.analysis.declared.arguments import length_of
from abkit.errors import AbkitError, ConfigError, suggestion
from abkit.experiments.declaring.analysis_plan import AnalysisPlan, fields_of_a_plan
from abkit.experiments.declaring.exclusion import BOTS, Exclusion
from abkit.experiments.declaring.metrics import Metric
from abkit.pyproject import tool_table

_BY_METRIC = ("taus",)
"""What only an experiment knows, as it names metrics."""


@frozen
class Deviation:
    """Something that is not as it was planned.

    Attributes:
        name: What it is, as plans call it, or "control".
        used: How the analysis has it.
        planned: How it was planned.
    """

    name: str
    used: object
    planned: object

    def __str__(self) -> str:
        name = self.name.replace("_", " ")
        if self.planned in (None, ()):
            return f"{name} {_shown(self.used)}, which was not planned"
        if self.used in (None, ()):
            return f"no {name} instead of {_shown(self.planned)}"
        return f"{name} {_shown(self.used)} instead of {_shown(self.planned)}"


def planned(experiment: Any) -> AnalysisPlan | None:
    """The plan of an experiment: what it declares, over `[tool.abkit.analysis]` of the project.

    Args:
        experiment: A class, a declaration, or what else may have a `plan`.

    Returns:
        None if neither says anything.

    Raises:
        ConfigError: The nearest pyproject.toml says something that cannot be.
        AnalysisError: The two do not go together.
    """
    declared = getattr(getattr(experiment, "declaration", None) or experiment, "plan", None)
    own = declared if isinstance(declared, AnalysisPlan) else None
    project = project_plan()
    if own is None or project is None:
        return own or project
    return own.over(project)


def in_force(said: AnalysisPlan | None, declared: AnalysisPlan | None) -> AnalysisPlan:
    """What is said, over what is declared.

    Raises:
        AnalysisError: The two do not go together.
    """
    if said is None or declared is None:
        return said or declared or AnalysisPlan()
    return said.over(declared)


def deviations(used: AnalysisPlan, plan: AnalysisPlan | None) -> tuple[Deviation, ...]:
    """What an analysis does otherwise than its plan; nothing where there is no plan."""
    if plan is None:
        return ()
    pairs = ((name, getattr(used, name), getattr(plan, name)) for name in fields_of_a_plan())
    return tuple(Deviation(name, now, then) for name, now, then in pairs if now != then)


def project_plan() -> AnalysisPlan | None:
    """What `[tool.abkit.analysis]` of the nearest pyproject.toml says; None: nothing.

    Raises:
        ConfigError: Something in it cannot be; the message says what would be right.
    """
    table = tool_table()
    said = table.values.get("analysis")
    if said is None:
        return None
    where = f"{table.path}, [tool.abkit.analysis]"
    if not isinstance(said, Mapping):
        message = f"{where} must be a table, not {said!r}"
        raise ConfigError(message)
    known = [name for name in fields_of_a_plan() if name not in _BY_METRIC]
    for name in said:
        if name not in known:
            hint = suggestion(name, known) or f" It may have {', '.join(known)}."
            message = f"{where}: {name!r} means nothing there.{hint}"
            raise ConfigError(message)
    try:
        return AnalysisPlan(**{name: _READ.get(name, _as_it_is)(v) for name, v in said.items()})
    except (AbkitError, TypeError) as error:
        written = any(isinstance(said.get(name), str) for name in ("cuped", "window"))
        hint = '. A length of time is written "14d", "12h" or "2w" here' if written else ""
        message = f"{where}: {error}{hint}"
        raise ConfigError(message) from None


def _as_it_is(value: object) -> object:
    return value


def _length(value: object) -> object:
    """A length of time: 14, "14d", "12h", "2w"; anything else is left for the plan to refuse."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return timedelta(days=value)
        except (OverflowError, ValueError):  # Too many days, or "inf" and "nan", which TOML has.
            return value
    found = length_of(value) if isinstance(value, str) else None
    return value if found is None else found


def _exclusions(value: object) -> object:
    """Exclusions as tables; "bots" is `BOTS`."""
    if not isinstance(value, list):
        return value
    return [
        BOTS if each == "bots" else Exclusion(**each) if isinstance(each, Mapping) else each
        for each in value
    ]


_READ: Mapping[str, Callable[[Any], Any]] = {
    "cuped": _length,
    "window": _length,
    "exclude": _exclusions,
}
"""How what TOML has no type for is written there."""


def _shown(value: object) -> str:
    """A value of a plan in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_shown(each)}" for key, each in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value)) or "none"
    return "".join(_words(value))


def _words(value: object) -> Iterator[str]:
    if isinstance(value, timedelta):
        hours = value / timedelta(hours=1)
        yield f"{hours / 24:g} days" if hours >= 24 else f"{hours:g} hours"
    elif isinstance(value, Exclusion | Metric):
        yield value.name
    elif isinstance(value, Enum):
        yield str(value.value)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield f"{value:,}"
    else:
        yield f"{value:.4g}" if isinstance(value, float) else str(value)
