"""The panel: from a request to a page."""

import hashlib
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

from abkit.analysis.declared.past_results import results_folder
from abkit.errors import AbkitError
from abkit.experiments.changing.settings_writer import SettingsWriter
from abkit.panel.act_page import act_page
from abkit.panel.answers import Answers
from abkit.panel.experiment_page import experiment_page, result_file
from abkit.panel.messages import SECURITY_HEADERS, PanelRequest, PanelResponse
from abkit.panel.overview import OverviewRow
from abkit.panel.overview_page import overview_page, overview_row
from abkit.panel.pages import STATIC, link, place_of, prepare, refused, static_file
from abkit.panel.questions import Question
from abkit.panel.source import Interruptible, PanelSource
from abkit.panel.sums_files import SumsFiles
from abkit.panel.sums_reader import REFRESH, SumsReader
from abkit.panel.tabs import TABS
from abkit.panel.taking_away import FILES

logger: logging.Logger = logging.getLogger("abkit")


class Panel:
    """The pages of an application's experiments, for those who may look.

    Args:
        source: What is shown.
        changes: What changes the settings when somebody acts; the manager of the source must read them. None:
            nobody can act.
        keep: A folder in which what was read is kept beyond the process; None: it is kept in memory only.
        results: The folder of the results that were stored with `abkit analyze --json`; None: `results` of
            [tool.abkit] in pyproject.toml, if it says one.
        refresh: How old what was read may be before it is read again.
        clock: Gives the time, UTC.

    Raises:
        ConfigError: The folder cannot be used.
        MissingExtraError: jinja2 is not installed.
    """

    def __init__(
        self,
        source: PanelSource,
        *,
        changes: SettingsWriter | None = None,
        keep: str | os.PathLike[str] | None = None,
        results: str | os.PathLike[str] | None = None,
        refresh: timedelta = REFRESH,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._source = source
        self._writer = changes
        self._results = results_folder() if results is None else Path(results)
        self._clock = clock
        files = None if keep is None else SumsFiles(keep, version=self._version)
        self._reader = SumsReader(
            source.gather,
            interrupt=_ending(source),
            state=self._state,
            files=files,
            refresh=refresh,
            clock=clock,
        )
        self._answers = Answers()
        prepare()

    def close(self) -> None:
        """Read nothing more; a query that runs is ended."""
        self._reader.close()

    def respond(self, request: PanelRequest) -> PanelResponse:
        """The answer to a request of somebody who may look; it never raises."""
        if request.method not in {"GET", "HEAD", "POST"}:
            problem = f"A page cannot be asked for by {request.method[:20]}."
            return refused(HTTPStatus.METHOD_NOT_ALLOWED, problem, request)
        try:
            return self._route(request)
        except AbkitError as error:
            return refused(HTTPStatus.INTERNAL_SERVER_ERROR, str(error), request)
        except Exception:
            logger.exception("panel: a page cannot be shown")
            problem = "The page cannot be shown. The application's log says why."
            return refused(HTTPStatus.INTERNAL_SERVER_ERROR, problem, request)

    def _route(self, request: PanelRequest) -> PanelResponse:
        now = self._clock()
        place = request.path.split("/")
        if request.method == "POST" and place[2:] != ["act", ""]:
            return refused(
                HTTPStatus.METHOD_NOT_ALLOWED, "This page can be looked at only.", request
            )
        match place:
            case [""]:
                return overview_page(request, self._source, self._reader, now=now)
            case ["static", name] if name in STATIC:
                headers = {**SECURITY_HEADERS, "Cache-Control": "private, max-age=300"}
                body = static_file(name)
                return PanelResponse(body=body, content_type=STATIC[name], headers=headers)
            case ["experiments", name, file] if file in FILES:
                row = self._row(name, now)
                if row is not None:
                    return result_file(
                        request, row, self._reader, self._source, file, answers=self._answers
                    )
            case ["experiments", name, "act", ""] if self._writer is not None:
                row = self._row(name, now)
                if row is not None:
                    return act_page(request, row, self._reader, self._writer)
            case ["experiments", name] if self._row(name, now) is not None:
                asked = urlencode(request.query, doseq=True)
                where = link(request.root, "experiments", name, "", query=asked)
                headers = {**SECURITY_HEADERS, "Location": where}
                return PanelResponse(status=HTTPStatus.SEE_OTHER, headers=headers)
            case ["experiments", name, *rest]:
                row = self._row(name, now)
                tab = next((each for each in TABS if each.place == rest), None)
                if row is not None and tab is not None:
                    return experiment_page(
                        request,
                        row,
                        self._reader,
                        tab,
                        answers=self._answers,
                        now=now,
                        writer=self._writer,
                        results=self._results,
                    )
        return refused(HTTPStatus.NOT_FOUND, "There is no such page.", request)

    def _row(self, place: str, now: datetime) -> OverviewRow | None:
        for declaration in self._source.declarations():
            if place_of(declaration.name) == place:
                return overview_row(declaration, self._source, self._reader, now=now)
        return None

    def _version(self, question: Question) -> str:
        return self._source.version(question)

    def _state(self, question: Question) -> str:
        """What tells whether a question's sums would be the same if they were read again."""
        state = self._source.data_state()
        if not state:
            return ""
        return hashlib.sha256(f"{state} {self._version(question)}".encode()).hexdigest()


def _ending(source: PanelSource) -> Callable[[], object]:
    """What ends the query that a source runs."""
    return source.interrupt if isinstance(source, Interruptible) else lambda: None
