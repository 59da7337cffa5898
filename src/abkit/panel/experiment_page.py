"""The pages of one experiment, and the files that its result is taken away as."""

from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from attrs import frozen

from abkit.analysis.experiment_sums import ExperimentSums
from abkit.analysis.presentation.definitions import in_words
from abkit.analysis.presentation.report import context
from abkit.analysis.presentation.report.explaining import Explaining
from abkit.errors import AnalysisError, MissingExtraError
from abkit.events import variant_text
from abkit.experiments.changing.settings_writer import SettingsWriter
from abkit.panel.ages import age
from abkit.panel.answering import Answer, question_of
from abkit.panel.answers import Answers
from abkit.panel.asked_days import shown_frame
from abkit.panel.controls import Controls
from abkit.panel.drawn_metrics import drawn_metrics, with_fewer_pairs
from abkit.panel.messages import SECURITY_HEADERS, PanelRequest, PanelResponse
from abkit.panel.offers import offers
from abkit.panel.overview import OverviewRow
from abkit.panel.pages import page, refused
from abkit.panel.questions import Question
from abkit.panel.reading import Reading
from abkit.panel.source import PanelSource
from abkit.panel.sums_reader import SumsReader
from abkit.panel.tab_parts import tab_parts
from abkit.panel.tabs import TABS, Tab
from abkit.panel.taking_away import FILES, Shown

PATIENCE = timedelta(seconds=1)
"""So long a page waits for sums of which nothing is known yet; small ones are there at once."""


def experiment_page(
    request: PanelRequest,
    row: OverviewRow,
    reader: SumsReader,
    tab: Tab,
    *,
    answers: Answers,
    now: datetime,
    writer: SettingsWriter | None,
    results: Path | None = None,
) -> PanelResponse:
    """One part of an experiment's page, as the query string asks for it.

    Args:
        request: Its query string is read.
        row: The experiment.
        reader: Knows its sums.
        tab: Which part.
        answers: What sums said last.
        now: The time.
        writer: Changes its settings; None: nobody can.
        results: The folder of the results that were stored; None: there is none.
    """
    declaration = row.declaration
    controls = Controls.of(request.query)
    found = _found(request, reader, answers, declaration.name, controls)
    result = found.answer.result
    parts: dict[str, object] = {"result": result}
    if result is not None and tab.of_result:
        drawn = drawn_metrics(result, asked=tab.path != "over-time" or bool(controls.metrics))
        shown = with_fewer_pairs(drawn.result, asked=bool(controls.metrics))
        parts = {
            **context(shown, showing=Explaining(shown.plan)),
            "pairs_left_out": len(shown.pairs) < len(result.pairs),
            "frame": shown_frame(result.frame),
            "drawn": drawn,
        }
    offered = offers(found.planned, controls, declaration)
    return page(
        "experiment.html.jinja",
        request,
        **parts,
        **tab_parts(tab, row, result, now=now, writer=writer, results=results),
        declaration=declaration,
        row=row,
        tab=tab,
        tabs=TABS,
        files=FILES,
        controls=controls,
        found=found,
        offers=offered,
        rollouts=tuple(map(variant_text, declaration.weights)) or offered.variants,
        age=age(found.reading, now),
        definitions={metric.name: in_words(metric) for metric in declaration.metrics},
        may_act=request.viewer.may_act and writer is not None,
        here=request.root + quote(request.path),
    )


def result_file(
    request: PanelRequest,
    row: OverviewRow,
    reader: SumsReader,
    source: PanelSource,
    name: str,
    *,
    answers: Answers,
) -> PanelResponse:
    """What is shown, as a file: one of `FILES`."""
    controls = Controls.of(request.query)
    found = _found(request, reader, answers, row.declaration.name, controls)
    if found.answer.result is None:
        if found.answer.problem:
            return refused(HTTPStatus.CONFLICT, found.answer.problem, request)
        problem = "The events are being read: ask again in a moment."
        return refused(HTTPStatus.SERVICE_UNAVAILABLE, problem, request)
    file = FILES[name]
    shown = Shown(
        result=found.answer.result, question=found.question, controls=controls, source=source
    )
    try:
        written = file.write(shown)
    except MissingExtraError as error:
        return refused(HTTPStatus.NOT_IMPLEMENTED, str(error), request)
    except AnalysisError as error:
        return refused(HTTPStatus.CONFLICT, f"{file.title}: {error}", request)
    filename = quote(f"{row.declaration.name}-{name}", safe="")
    return PanelResponse(
        body=written if isinstance(written, bytes) else written.encode(),
        content_type=file.content_type,
        headers={
            **SECURITY_HEADERS,
            "Content-Disposition": f"attachment; filename*=UTF-8''{filename}",
        },
    )


@frozen(kw_only=True)
class _Found:
    """What is known of what is asked.

    Attributes:
        question: Which sums are needed.
        reading: Of these sums.
        answer: What they say; nothing while they are read.
        planned: The sums by the plan, of all days; None while they are not read.
    """

    question: Question
    reading: Reading
    answer: Answer
    planned: ExperimentSums | None = None


def _found(
    request: PanelRequest, reader: SumsReader, answers: Answers, name: str, controls: Controls
) -> _Found:
    anew, viewer = request.last("anew") == "1", request.viewer.name
    planned = reader.look(Question(name), anew=anew, patience=PATIENCE, viewer=viewer)
    if planned.sums is None:
        nothing = Answer(problem=planned.reading.problem)
        return _Found(question=Question(name), reading=planned.reading, answer=nothing)
    question = question_of(controls, planned.sums, name)
    looked = planned
    if question != Question(name):
        looked = reader.look(question, anew=anew, patience=PATIENCE, viewer=viewer)
    if looked.sums is None:
        problem = Answer(problem=looked.reading.problem)
        return _Found(
            question=question, reading=looked.reading, answer=problem, planned=planned.sums
        )
    said = answers.of(question, looked.sums, controls)
    return _Found(question=question, reading=looked.reading, answer=said, planned=planned.sums)
