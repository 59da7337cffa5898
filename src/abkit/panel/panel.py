"""The panel: from a request to a page."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from attrs import evolve, frozen

from abkit.analysis.experiment_sums import ExperimentSums
from abkit.analysis.presentation.definitions import in_words
from abkit.analysis.presentation.report import context
from abkit.analysis.presentation.report.pictures import pictures
from abkit.errors import AbkitError
from abkit.experiments.declaring.declaration import Declaration
from abkit.panel.answering import Answer, answer, question_of
from abkit.panel.controls import Controls
from abkit.panel.messages import SECURITY_HEADERS, PanelRequest, PanelResponse
from abkit.panel.offers import offers
from abkit.panel.overview import Found, Order, OverviewRow, chosen, overview_row
from abkit.panel.pages import STATIC, static_file, templates
from abkit.panel.reading import REFRESH, Question, Reading, SumsReader
from abkit.panel.source import PanelSource
from abkit.panel.states import State, state
from abkit.panel.tabs import TABS, Tab
from abkit.panel.taking_away import FILES

logger: logging.Logger = logging.getLogger("abkit")

PATIENCE = timedelta(seconds=1)
"""So long a page waits for sums of which nothing is known yet; small ones are there at once."""


class Panel:
    """The pages of an application's experiments.

    Args:
        source: What is shown.
        refresh: How old what was read may be before it is read again.
        clock: Gives the time, UTC.
    """

    def __init__(
        self,
        source: PanelSource,
        *,
        refresh: timedelta = REFRESH,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._source = source
        self._clock = clock
        self._reader = SumsReader(source.gather, refresh=refresh, clock=clock)
        self._judged: dict[str, tuple[Reading, Found]] = {}

    def close(self) -> None:
        """Read nothing more."""
        self._reader.close()

    def respond(self, request: PanelRequest) -> PanelResponse:
        """The answer to a request of somebody who may look; it never raises."""
        if request.method not in {"GET", "HEAD"}:
            return _refused(
                HTTPStatus.METHOD_NOT_ALLOWED, "This page can only be looked at.", request
            )
        try:
            return self._page(request)
        except AbkitError as error:
            return _refused(HTTPStatus.INTERNAL_SERVER_ERROR, str(error), request)
        except Exception:
            logger.exception("panel: a page cannot be shown")
            problem = "The page cannot be shown; the application's log says why."
            return _refused(HTTPStatus.INTERNAL_SERVER_ERROR, problem, request)

    def _page(self, request: PanelRequest) -> PanelResponse:
        match request.path.split("/"):
            case [""]:
                return self._overview(request)
            case ["static", name] if name in STATIC:
                headers = {**SECURITY_HEADERS, "Cache-Control": "private, max-age=300"}
                return PanelResponse(
                    body=static_file(name), content_type=STATIC[name], headers=headers
                )
            case ["experiments", name, *rest]:
                declaration = self._declaration(name)
                if declaration is not None:
                    return self._of_experiment(request, declaration, rest)
        return _refused(HTTPStatus.NOT_FOUND, "There is no such page.", request)

    def _declaration(self, name: str) -> Declaration | None:
        return next((each for each in self._source.declarations() if each.name == name), None)

    def _of_experiment(
        self, request: PanelRequest, declaration: Declaration, rest: Sequence[str]
    ) -> PanelResponse:
        if rest in ([], [""]):
            return self._experiment(request, declaration, TABS[0])
        if len(rest) == 2 and rest[1] == "":
            tab = next((tab for tab in TABS if tab.path == rest[0]), None)
            if tab is not None:
                return self._experiment(request, declaration, tab)
        if len(rest) == 1 and rest[0] in FILES:
            return self._taken_away(request, declaration, rest[0])
        return _refused(HTTPStatus.NOT_FOUND, "There is no such page.", request)

    # The overview

    def _overview(self, request: PanelRequest) -> PanelResponse:
        declarations = self._source.declarations()
        rows = [self._row(declaration) for declaration in declarations]
        search = _last(request, "search")
        states = [each for each in State if each.value in request.query.get("state", ())]
        order = next((o for o in Order if o.value == _last(request, "order")), Order.STATE)
        shown = chosen(rows, search=search, states=states, order=order)
        return _rendered(
            "overview.html.jinja",
            request,
            rows=shown,
            total=len(rows),
            states=[each for each in State if any(row.state is each for row in rows)],
            chosen_states=states,
            orders=list(Order),
            order=order,
            search=search,
            reading=sum(row.reading for row in rows),
            link=_links(request),
        )

    def _row(self, declaration: Declaration) -> OverviewRow:
        found = self._found(declaration.name)
        now = state(
            declaration,
            self._source.settings(declaration.name),
            now=self._clock(),
            exposed=found.reading.sums is not None,
        )
        return overview_row(declaration, now, found)

    def _found(self, name: str) -> Found:
        """What the plan says of an experiment; it is judged once for each reading."""
        reading = self._reader.look(Question(name))
        known = self._judged.get(name)
        if (
            known is not None
            and known[0].sums is reading.sums
            and known[0].problem == reading.problem
        ):
            return evolve(known[1], reading=reading)
        found = Found(reading=reading, problem=reading.problem)
        if reading.sums is not None:
            try:
                found = Found(reading=reading, result=reading.sums.result())
            except AbkitError as error:
                found = Found(reading=reading, problem=str(error))
        self._judged[name] = reading, found
        return found

    # One experiment

    def _experiment(
        self, request: PanelRequest, declaration: Declaration, tab: Tab
    ) -> PanelResponse:
        controls = Controls.of(request.query)
        looked = self._look(request, declaration.name, controls)
        result = looked.answer.result
        parts: dict[str, Any] = {}
        if result is not None and tab.of_result:
            parts = context(result, drawn=pictures(result) if tab.draws else None)
        return _rendered(
            "experiment.html.jinja",
            request,
            **parts,
            declaration=declaration,
            row=self._row(declaration),
            tab=tab,
            tabs=TABS,
            controls=controls,
            looked=looked,
            offers=offers(looked.planned, controls, declaration),
            age=_age(looked.reading, self._clock()),
            definitions={m.name: in_words(m) for m in declaration.metrics},
            link=_links(request),
            here=request.root + request.path,
        )

    def _look(self, request: PanelRequest, name: str, controls: Controls) -> "_Looked":
        anew = _last(request, "anew") == "1"
        planned = self._reader.look(Question(name), anew=anew, patience=PATIENCE)
        if planned.sums is None:
            return _Looked(reading=planned, answer=Answer(problem=planned.problem))
        question = question_of(controls, planned.sums, name)
        reading = planned
        if question != Question(name):
            reading = self._reader.look(question, patience=PATIENCE)
        if reading.sums is None:
            return _Looked(
                reading=reading, answer=Answer(problem=reading.problem), planned=planned.sums
            )
        if not controls.asks_anything:
            found = self._found(name)
            if found.result is not None and found.reading.sums is reading.sums:
                return _Looked(
                    reading=reading, answer=Answer(result=found.result), planned=planned.sums
                )
        return _Looked(reading=reading, answer=answer(reading.sums, controls), planned=planned.sums)

    def _taken_away(
        self, request: PanelRequest, declaration: Declaration, name: str
    ) -> PanelResponse:
        """A file of what is shown."""
        looked = self._look(request, declaration.name, Controls.of(request.query))
        result = looked.answer.result
        if result is None:
            problem = looked.answer.problem or "Its events are being read; ask again in a moment."
            status = (
                HTTPStatus.CONFLICT if looked.answer.problem else HTTPStatus.SERVICE_UNAVAILABLE
            )
            return _refused(status, problem, request)
        file = FILES[name]
        filename = quote(f"{declaration.name}-{name}")
        headers = {
            **SECURITY_HEADERS,
            "Content-Disposition": f"attachment; filename*=UTF-8''{filename}",
        }
        return PanelResponse(
            body=file.write(result).encode(), content_type=file.content_type, headers=headers
        )


@frozen(kw_only=True)
class _Looked:
    """What is known of what is asked.

    Attributes:
        reading: Of the sums that the question needs.
        answer: What they say.
        planned: The sums by the plan, of all days; None while nothing is known.
    """

    reading: Reading
    answer: Answer
    planned: ExperimentSums | None = None


def _age(reading: Reading, now: datetime) -> str:
    """How old what is shown is, in words; empty if nothing is."""
    if reading.sums is None:
        return ""
    minutes = int((now - reading.sums.made) / timedelta(minutes=1))
    if minutes < 1:
        return "read just now"
    if minutes < 60:
        return f"read {minutes} minute{'s' if minutes > 1 else ''} ago"
    hours = minutes // 60
    return f"read {hours} hour{'s' if hours > 1 else ''} ago"


def _last(request: PanelRequest, name: str) -> str:
    said = request.query.get(name, ())
    return said[-1].strip() if said else ""


def _links(request: PanelRequest) -> Callable[..., str]:
    """What makes the address of a page: of the panel's own root."""

    def link(*parts: str, query: str = "") -> str:
        path = "/".join(quote(part, safe="") for part in parts)
        return f"{request.root}{path}{'?' + query if query else ''}"

    return link


def _rendered(template: str, request: PanelRequest, **parts: Any) -> PanelResponse:
    html = (
        templates().get_template(template).render(root=request.root, viewer=request.viewer, **parts)
    )
    return PanelResponse(body=html.encode())


def _refused(status: HTTPStatus, problem: str, request: PanelRequest) -> PanelResponse:
    html = (
        templates()
        .get_template("refused.html.jinja")
        .render(
            root=request.root,
            viewer=request.viewer,
            problem=problem,
            status=status,
            link=_links(request),
        )
    )
    return PanelResponse(status=status, body=html.encode())
