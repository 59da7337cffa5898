"""The dialog in which somebody acts on an experiment, and the change that follows."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from attrs import frozen

from abkit.errors import AbkitError, ConfigError, SettingsChangedError
from abkit.experiments.changing.audit_log import AuditRecord, AuditTrail
from abkit.experiments.changing.settings_change import SettingsChange
from abkit.experiments.changing.settings_writer import SettingsWriter
from abkit.experiments.declaring.declaration import Declaration
from abkit.panel.acting import Act, Proposal, act_of, proposed, stamp
from abkit.panel.messages import SECURITY_HEADERS, PanelRequest, PanelResponse
from abkit.panel.overview import OverviewRow
from abkit.panel.pages import link, page, refused
from abkit.panel.questions import Question
from abkit.panel.sums_reader import SumsReader
from abkit.quoting import quoted

LONGEST_REASON = 2_000


@frozen(kw_only=True)
class _Subject:
    """What is acted on.

    Attributes:
        row: The experiment.
        reader: Knows its sums.
        writer: Changes its settings.
    """

    row: OverviewRow
    reader: SumsReader
    writer: SettingsWriter

    @property
    def declaration(self) -> Declaration:
        return self.row.declaration

    @property
    def trail(self) -> AuditTrail:
        return self.writer.audit_log.read().of(self.declaration.name)

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.writer.settings_of(self.declaration.name)

    def proposal(self, said: Mapping[str, str]) -> Proposal:
        act = act_of(said.get("act", ""))
        if act is not Act.UNDO:
            sums = self.reader.look(Question(self.declaration.name)).sums
            return proposed(act, said, self.declaration, sums)
        change_id = said.get("change", "")
        change = self.writer.undoing(change_id, who="")
        if change.experiment != self.declaration.name:
            message = f"The change {quoted(change_id)} is of {change.experiment}: undo it there"
            raise ConfigError(message)
        record = next(each for each in self.trail.records if each.id == change_id)
        return Proposal(
            act=act,
            title=f"Take back the change of {record.time:%Y-%m-%d %H:%M} UTC?",
            keys=change.keys,
            effects=(
                f"{record.who or 'Somebody'} made it: {record.why or 'no reason was given'}.",
            ),
            fields=(("change", change_id),),
        )

    def change(
        self, said: Mapping[str, str], proposal: Proposal, *, who: str, seen: Mapping[str, Any]
    ) -> SettingsChange:
        why = said.get("why", "").strip()[:LONGEST_REASON]
        if proposal.act is Act.UNDO:
            return self.writer.undoing(said.get("change", ""), who=who, why=why)
        return SettingsChange(self.declaration.name, proposal.keys, who=who, why=why, seen=seen)


def act_page(
    request: PanelRequest, row: OverviewRow, reader: SumsReader, writer: SettingsWriter
) -> PanelResponse:
    """Show what would be done; of a form that was sent, do it."""
    if not request.viewer.may_act:
        return refused(
            HTTPStatus.FORBIDDEN, "You may look at experiments, not act on them.", request
        )
    subject = _Subject(row=row, reader=reader, writer=writer)
    if request.method == "POST":
        return _acted(request, subject)
    said = {name: values[-1] for name, values in request.query.items() if values}
    return _dialog(request, subject, said)


def _dialog(
    request: PanelRequest, subject: _Subject, said: Mapping[str, str], *, problem: str = ""
) -> PanelResponse:
    """What would be done, with its effects, and a form that does it."""
    try:
        proposal = subject.proposal(said)
        settings, trail = subject.settings, subject.trail
    except AbkitError as error:
        return refused(HTTPStatus.CONFLICT, str(error), request)
    changes = [
        (key, settings.get(key), value)
        for key, value in proposal.keys.items()
        if settings.get(key) != value
    ]
    shown = page(
        "act.html.jinja",
        request,
        declaration=subject.declaration,
        row=subject.row,
        proposal=proposal,
        changes=changes,
        stamp=stamp(settings, trail.records),
        why=said.get("why", "")[:LONGEST_REASON],
        place=str(subject.writer.path),
        problem=problem,
    )
    if not problem:
        return shown
    return PanelResponse(status=HTTPStatus.CONFLICT, body=shown.body)


def _acted(request: PanelRequest, subject: _Subject) -> PanelResponse:
    if not request.is_from_here:
        problem = "The form was not sent by a page of this panel: nothing was changed."
        return refused(HTTPStatus.FORBIDDEN, problem, request)
    said = request.form
    try:
        proposal = subject.proposal(said)
        seen = subject.settings  # Once: what is written must be decided upon what the stamp is of.
        if said.get("stamp") != stamp(seen, subject.trail.records):
            return _dialog(request, subject, said, problem=_since(subject.trail.records))
        if not said.get("why", "").strip():
            return _dialog(
                request, subject, said, problem="A reason is missing: nothing was changed."
            )
        change = subject.change(said, proposal, who=request.viewer.name or "unknown", seen=seen)
        subject.writer.write(change, subject.declaration)
    except SettingsChangedError:
        return _dialog(request, subject, said, problem=_since(subject.trail.records))
    except AbkitError as error:
        return refused(HTTPStatus.CONFLICT, str(error), request)
    where = link(request.root, "experiments", subject.declaration.name, "history", "")
    return PanelResponse(
        status=HTTPStatus.SEE_OTHER, headers={**SECURITY_HEADERS, "Location": where}
    )


def _since(records: tuple[AuditRecord, ...]) -> str:
    """What happened since somebody saw the settings."""
    if not records:
        return (
            "The settings have changed since you opened this page. Nothing was changed: look again."
        )
    last = records[-1]
    return (
        f"The settings have changed since you opened this page: {last.who or 'somebody'} changed them at "
        f"{last.time:%Y-%m-%d %H:%M} UTC ({last.why or 'no reason was given'}). Nothing was changed: look "
        "again."
    )
