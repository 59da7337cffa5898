"""Where the panel's experiments and their sums come from."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard, runtime_checkable

from abkit.analysis.aggregation.session import Progress
from abkit.analysis.analysis import Analysis
from abkit.analysis.declared.planned import project_plan
from abkit.analysis.engines.local import DuckDB
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.analysis.reading.event_folder import stored_tables
from abkit.analysis.reading.places import is_url
from abkit.errors import AnalysisError, OutsideFrameError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.declaration import Declaration
from abkit.panel.asked_days import outside
from abkit.panel.data_state import DataState
from abkit.panel.database_tables import DatabaseTables
from abkit.panel.questions import Question
from abkit.panel.reproducing import Origin
from abkit.quoting import masked

if TYPE_CHECKING:
    from abkit.manager import ExperimentManager


_AT_ONCE = 1.0
"""Seconds in which the project's plan is looked up once."""


class PanelSource(Protocol):
    """What the panel shows."""

    def declarations(self) -> Sequence[Declaration]:
        """Every experiment, under the settings that are in force now."""
        ...

    def settings(self, name: str) -> Mapping[str, Any]:
        """What the settings change of an experiment: the fields of its declaration that they replaced."""
        ...

    def version(self, question: Question) -> str:
        """What the sums of a question depend on beside the events: what is declared, and where they are."""
        ...

    def data_state(self) -> str:
        """What tells whether events came since they were read; empty if only reading them would tell."""
        ...

    def gather(self, question: Question, progress: Progress) -> ExperimentSums:
        """Read the sums that a question asks for.

        Args:
            question: It names one of the declarations.
            progress: Is told what is done.

        Raises:
            AbkitError: They cannot be read; the message says why.
        """
        ...


@runtime_checkable
class Interruptible(Protocol):
    """A source whose queries can be ended."""

    def interrupt(self) -> None:
        """End the query that runs, if one does; it is called from another thread."""
        ...


class StoredSource:
    """The experiments of a manager, and the events that were stored of them.

    Args:
        manager: Its experiments are shown, under its settings.
        events: The folder, or its URL, that a `FileSink` wrote.
        tables: Instead of `events`: exposures, actions, identities and engine, as keywords of `Analysis`;
            or what gives them, which is called for each reading, so that each has a connection of its own.

    Raises:
        TypeError: Neither `events` nor `tables` is given, or both are.
    """

    def __init__(
        self,
        manager: "ExperimentManager",
        *,
        events: str | None = None,
        tables: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        if (events is None) == (tables is None):
            message = (
                "give either events='data/events', or tables={'exposures': ..., 'actions': ...}"
            )
            raise TypeError(message)
        self._manager = manager
        self._events = events
        self._tables = tables
        self._running: DuckDB | None = None
        self._state = DataState(events or "")
        self._plan: tuple[float, AnalysisPlan | None] | None = None

    def declarations(self) -> Sequence[Declaration]:
        """As `PanelSource.declarations`."""
        return [self._manager.declaration(name) for name in self._manager]

    def settings(self, name: str) -> Mapping[str, Any]:
        """As `PanelSource.settings`."""
        declared = self._manager.experiment(name).declaration._asdict()
        now = self._manager.declaration(name)._asdict()
        return {key: value for key, value in now.items() if value != declared[key]}

    def version(self, question: Question) -> str:
        """As `PanelSource.version`."""
        declared = self._manager.experiment(question.experiment).declaration
        return repr((declared, self._project(), self._place()))

    def data_state(self) -> str:
        """As `PanelSource.data_state`; it is not known of a URL, and of tables."""
        return "" if self._events is None else self._state()

    def gather(self, question: Question, progress: Progress) -> ExperimentSums:
        """As `PanelSource.gather`."""
        plan = None if question.by is None else AnalysisPlan(segments=[question.by])
        experiment = self._manager.experiment(question.experiment)
        with self._opened() as places:
            analysis = Analysis(experiment, **places, plan=plan)
            try:
                return analysis.gather(progress, start=question.since, until=_after(question.until))
            except OutsideFrameError as error:
                raise outside(question, error) from error

    def interrupt(self) -> None:
        """As `Interruptible.interrupt`: of DuckDB, embedded. What another engine runs ends by itself."""
        running = self._running
        if running is not None:
            running.interrupt()

    def _project(self) -> AnalysisPlan | None:
        """What the project plans; it is looked up once for all experiments of a page."""
        now = monotonic()
        if self._plan is None or now - self._plan[0] >= _AT_ONCE:
            self._plan = now, project_plan()
        return self._plan[1]

    def origin(self, name: str) -> Origin:
        """As `Reproducible.origin`."""
        tables: dict[str, Any] = {} if self._events is None else {**stored_tables(self._events)}
        if isinstance(self._tables, Mapping):
            tables = {**self._tables}
        paths = {key: _told(each) for key, each in tables.items() if _is_place(each)}
        if len(paths) < len(tables) or not tables:
            message = (
                "a notebook reads events from files, and this panel reads them by a connection of the "
                "application: use Analysis there, or take the SQL"
            )
            raise AnalysisError(message)
        return Origin(experiment=self._manager.experiment(name), tables=paths)

    def _place(self) -> object:
        """What tells these events from others, as text: the same in another process."""
        if self._events is not None:
            return self._events if is_url(self._events) else _absolute(self._events)
        if not isinstance(self._tables, Mapping):
            of = self._tables
            if isinstance(of, DatabaseTables):
                return repr(of)
            return getattr(of, "__module__", ""), getattr(of, "__qualname__", type(of).__qualname__)
        return {
            name: where if isinstance(where, str) else type(where).__qualname__
            for name, where in self._tables.items()
        }

    @contextmanager
    def _opened(self) -> Iterator[Mapping[str, Any]]:
        """Where the events are, with an engine whose queries can be ended, unless one is given."""
        places = self._places()
        if places.get("engine") is not None:
            yield places
            return
        # The others are the application's: its requests would wait for a processor.
        with DuckDB(threads=max(1, (os.cpu_count() or 1) // 2)) as engine:
            self._running = engine
            try:
                yield {**places, "engine": engine}
            finally:
                self._running = None

    def _places(self) -> Mapping[str, Any]:
        if self._events is not None:
            return stored_tables(self._events)
        return self._tables() if callable(self._tables) else self._tables or {}


def _is_place(source: object) -> TypeGuard[str | None]:
    return source is None or isinstance(source, str)


def _told(place: str | None) -> str | None:
    """A place from wherever it is looked at; whoever reads it gets no password with it."""
    if place is None:
        return None
    return masked(place) if is_url(place) else _absolute(place)


def _absolute(place: str) -> str:
    return os.path.abspath(place)  # noqa: PTH100 - as it is given


def _after(day: date | None) -> date | None:
    return None if day is None else day + timedelta(days=1)
