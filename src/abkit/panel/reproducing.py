"""The notebook of a result that is shown: it reads the events again, with the same controls."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

from attrs import frozen

from abkit.analysis.presentation.notebook import Recipe
from abkit.analysis.presentation.notebook_code import call_code, experiment_code
from abkit.errors import AnalysisError
from abkit.experiments.declaring.experiment import Experiment
from abkit.panel.controls import Controls
from abkit.panel.questions import Question


@frozen(kw_only=True)
class Origin:
    """Where the numbers of an experiment come from, so that another process can read them.

    Attributes:
        experiment: Its class.
        tables: The places of exposures, actions and any identities: paths or URLs; None: there is none.
    """

    experiment: type[Experiment]
    tables: Mapping[str, str | None]


@runtime_checkable
class Reproducible(Protocol):
    """A source of a panel of whose results there are notebooks."""

    def origin(self, name: str) -> Origin:
        """Where the numbers of an experiment come from.

        Raises:
            AnalysisError: No other process can read them; the message says why.
        """
        ...


def recipe(origin: Origin, question: Question, controls: Controls) -> Recipe:
    """How a notebook makes the result again that is shown.

    Args:
        origin: Where the numbers come from.
        question: Which sums were read for it.
        controls: What was asked.

    Raises:
        AnalysisError: The class of the experiment cannot be imported by its name.
    """
    experiment = origin.experiment
    if "<locals>" in experiment.__qualname__ or experiment.__module__ == "__main__":
        message = (
            f"a notebook imports {experiment.__qualname__} by its name: declare it at the top of a module "
            "that can be imported"
        )
        raise AnalysisError(message)
    plan = _plan(question, controls)
    code = experiment_code(experiment)
    if plan:
        code.insert(
            code.index("from abkit.analysis import Analysis"), "from abkit import AnalysisPlan"
        )
    run = _run(question, controls)
    analysis = call_code("Analysis", ["experiment"], origin.tables, plan)
    return Recipe(
        code="\n".join([*code, "", f"analysis = {analysis}"]),
        tables={name: place for name, place in origin.tables.items() if place is not None},
        arguments=", ".join(f"{key}={value!r}" for key, value in run.items()),
        narrowing=_narrowing(controls),
    )


def _plan(question: Question, controls: Controls) -> Mapping[str, Any]:
    """What is otherwise than planned."""
    asked = {
        "method": controls.method,
        "confidence": controls.confidence,
        "segments": None if question.by is None else [question.by],
    }
    return {name: value for name, value in asked.items() if value is not None}


def _run(question: Question, controls: Controls) -> Mapping[str, str]:
    """The arguments of the run; the day after the last is the first that does not count."""
    until = None if controls.until is None else controls.until + timedelta(days=1)
    asked = {
        "control": controls.control,
        "start": None if question.since is None else question.since.isoformat(),
        "until": None if until is None else until.isoformat(),
    }
    return {name: value for name, value in asked.items() if value is not None}


def _narrowing(controls: Controls) -> str:
    """Code that leaves the part of the result that is shown."""
    parts = {
        "by": controls.by if controls.segment is not None else None,
        "segment": controls.segment,
        "metrics": controls.metrics or None,
        "variant": controls.variant,
    }
    said = {name: value for name, value in parts.items() if value is not None}
    if not said:
        return ""
    asked = ", ".join(f"{name}={value!r}" for name, value in said.items())
    return (
        "from abkit.panel.answering import shown\n"
        "from abkit.panel.controls import Controls\n\n"
        f"result = shown(result, Controls({asked})).result\n"
    )
