"""Acting on an experiment: a form, a reason, a change of the settings that is recorded."""

import re
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from tests.panel.shop import Banner, Checkout, manager

from abkit import ExperimentManager
from abkit.experiments.changing.audit_log import AuditTrail, ChangeOutcome
from abkit.experiments.changing.file_audit_log import FileAuditLog
from abkit.experiments.changing.settings_change import SettingsChange
from abkit.experiments.changing.settings_writer import SettingsWriter
from abkit.panel import Panel, PanelRequest, PanelResponse, StoredSource, Viewer

ACT = "experiments/Checkout/act/"
ROOT = Path(__file__).resolve().parents[2]
HERE = {"Origin": "https://shop.example", "Host": "shop.example"}


class Acting:
    """Somebody who acts, and what it changes."""

    def __init__(self, folder: Path, events: Path, *, who: str = "grace") -> None:
        self.settings = folder / "experiments.toml"
        self.writer = SettingsWriter(self.settings)
        self.manager: ExperimentManager = manager()
        self.manager.use_settings(self.settings, interval=0)
        source = StoredSource(self.manager, events=str(events))
        self.panel = Panel(source, changes=self.writer)
        self.viewer = Viewer(name=who, may_act=True)

    def dialog(self, query: dict[str, str]) -> PanelResponse:
        asked = {name: [value] for name, value in query.items()}
        return self.panel.respond(PanelRequest(path=ACT, query=asked, viewer=self.viewer))

    def form(self, query: dict[str, str], *, why: str = "it is better") -> dict[str, str]:
        """What a browser would send of the dialog."""
        html = self.dialog(query).body.decode()
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', html)
        return {**dict(hidden), "why": why}

    def send(self, form: dict[str, str], headers: dict[str, str] | None = None) -> PanelResponse:
        return self.panel.respond(
            PanelRequest(
                method="POST",
                path=ACT,
                root="/ab/",
                form=form,
                headers=HERE if headers is None else headers,
                viewer=self.viewer,
            )
        )

    @property
    def written(self) -> dict[str, Any]:
        return dict(self.writer.settings_of("Checkout"))


@pytest.fixture
def acting(tmp_path: Path, shop_events: Path) -> Acting:
    return Acting(tmp_path, shop_events)


def test_a_rollback_is_written_with_its_reason_and_the_application_follows(acting: Acting) -> None:
    assert acting.manager.get(Checkout, default="?", user="7") != "?"
    answer = acting.send(acting.form({"act": "roll back"}, why="the till is on fire"))
    assert answer.status is HTTPStatus.SEE_OTHER
    assert answer.headers["Location"] == "/ab/experiments/Checkout/history/"
    assert acting.written == {"enabled": False}
    assert not acting.manager.declaration(Checkout).enabled
    (record,) = acting.writer.audit_log.read().records
    assert (record.who, record.why) == ("grace", "the till is on fire")
    html = acting.panel.respond(
        PanelRequest(path="experiments/Checkout/history/", viewer=acting.viewer)
    ).body.decode()
    assert "the till is on fire" in html
    assert ">rolled back<" in html


@pytest.mark.parametrize(
    ("query", "settings"),
    [
        ({"act": "roll out", "variant": "express"}, {"enabled": True, "winner": "express"}),
        ({"act": "ramp", "share": "12.5"}, {"enabled": True, "rollout": 0.125}),
        ({"act": "ramp", "share": "12.3456789"}, {"enabled": True, "rollout": 0.123456789}),
        ({"act": "ramp", "share": " 100% "}, {"enabled": True, "rollout": 1.0}),
    ],
)
def test_what_is_asked_for_is_what_is_written(
    acting: Acting, query: dict[str, str], settings: dict[str, Any]
) -> None:
    assert acting.send(acting.form(query)).status is HTTPStatus.SEE_OTHER
    assert acting.written == settings


def test_the_dialog_says_what_changes_before_it_does(acting: Acting) -> None:
    html = acting.dialog({"act": "ramp", "share": "20"}).body.decode()
    assert "Enroll 20% of the units?" in html
    assert "100% of the units are enrolled now, and 20% will be." in html
    assert "rollout" in html
    assert "<td>true</td>" in html  # as the file will say it
    assert acting.written == {}


def test_a_change_is_taken_back(acting: Acting) -> None:
    acting.send(acting.form({"act": "ramp", "share": "20"}))
    acting.send(acting.form({"act": "roll back"}))
    first, second = acting.writer.audit_log.read().records
    refused = acting.dialog({"act": "undo", "change": first.id})
    assert refused.status is HTTPStatus.CONFLICT
    answer = acting.send(acting.form({"act": "undo", "change": second.id}, why="a false alarm"))
    assert answer.status is HTTPStatus.SEE_OTHER
    assert acting.written == {"enabled": True, "rollout": 0.2}
    assert acting.writer.audit_log.read().records[-1].undoes == second.id


def history(acting: Acting) -> str:
    path = "experiments/Checkout/history/"
    return acting.panel.respond(PanelRequest(path=path, viewer=acting.viewer)).body.decode()


def test_after_a_change_that_failed_the_one_before_it_can_be_taken_back(
    acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting.send(acting.form({"act": "ramp", "share": "20"}))
    (made,) = acting.writer.audit_log.read().records
    form = acting.form({"act": "roll back"})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        patched.setattr("os.replace", full)
        assert acting.send(form).status is HTTPStatus.CONFLICT
    assert [str(each.outcome) for each in acting.writer.audit_log.read().records][-1] == "failed"
    assert f"act=undo&amp;change={made.id}" in history(acting)


def test_of_very_many_changes_the_last_ones_are_listed(
    acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("abkit.panel.tab_parts.MOST_RECORDS", 2)
    for share in (10, 20, 30):
        acting.send(acting.form({"act": "ramp", "share": f"{share}"}, why=f"to {share}"))
    html = history(acting)
    assert "to 30" in html
    assert "to 20" in html
    assert "to 10" not in html
    assert "The last 2 of 3 changes" in html


def test_a_ramp_to_the_share_of_today_says_that_nothing_changes(acting: Acting) -> None:
    page = acting.dialog({"act": "ramp", "share": "100"})
    assert b"Nothing changes: it is so already." in page.body


def test_what_cannot_be_taken_back_says_why(acting: Acting) -> None:
    acting.send(acting.form({"act": "ramp", "share": "20"}))
    acting.settings.write_text("[Checkout]\nrollout = 0.7\n")  # by hand
    html = history(acting)
    assert "act=undo" not in html
    assert "Cannot be undone:" in html


def test_who_comes_second_sees_what_the_first_did(acting: Acting) -> None:
    form = acting.form({"act": "ramp", "share": "50"})
    change = SettingsChange("Checkout", {"rollout": 0.1}, who="ada", why="slowly")
    acting.writer.write(change, Checkout.declaration)
    answer = acting.send(form)
    assert answer.status is HTTPStatus.CONFLICT
    html = answer.body.decode()
    assert "ada changed them" in html
    assert "slowly" in html
    assert "it is better" in html  # what was typed is not lost
    assert acting.written == {"rollout": 0.1}


def test_who_sends_at_the_same_moment_does_not_undo_what_the_other_did(
    acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = acting.form({"act": "ramp", "share": "50"})
    read = FileAuditLog.read

    def then_another_writes(log: FileAuditLog) -> AuditTrail:
        found = read(log)
        monkeypatch.undo()
        change = SettingsChange("Checkout", {"enabled": False}, who="ada", why="it burns")
        acting.writer.write(change, Checkout.declaration)
        return found

    monkeypatch.setattr(FileAuditLog, "read", then_another_writes)
    answer = acting.send(form)
    assert answer.status is HTTPStatus.CONFLICT
    assert "ada" in answer.body.decode()
    assert acting.written == {"enabled": False}


def test_a_form_that_is_sent_again_does_nothing(acting: Acting) -> None:
    form = acting.form({"act": "roll back"})
    acting.send(form)
    (first,) = acting.writer.audit_log.read().records
    acting.send(acting.form({"act": "undo", "change": first.id}))
    assert acting.written == {}
    assert acting.send(form).status is HTTPStatus.CONFLICT
    assert acting.written == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Host": "shop.example"},
        {"Origin": "null", "Host": "shop.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://other.shop.example"},
    ],
)
def test_a_form_of_another_site_changes_nothing(acting: Acting, headers: dict[str, str]) -> None:
    answer = acting.send(acting.form({"act": "roll back"}), headers)
    assert answer.status is HTTPStatus.FORBIDDEN
    assert acting.written == {}


def test_who_may_only_look_can_neither_see_nor_send_the_form(acting: Acting) -> None:
    form = acting.form({"act": "roll back"})
    acting.viewer = Viewer(name="guest")
    assert acting.dialog({"act": "roll back"}).status is HTTPStatus.FORBIDDEN
    assert acting.send(form).status is HTTPStatus.FORBIDDEN
    assert acting.written == {}


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"act": "explode"}, "There is no act"),
        ({}, "There is no act"),
        ({"act": "roll out", "variant": "nobody"}, "has the variants"),
        ({"act": "ramp", "share": "150"}, "a percentage from 0 to 100"),
        ({"act": "ramp", "share": "<b>"}, "a percentage from 0 to 100"),
        ({"act": "undo", "change": "nothing"}, "has no change"),
    ],
)
def test_what_cannot_be_done_says_why(acting: Acting, query: dict[str, str], problem: str) -> None:
    answer = acting.dialog(query)
    assert answer.status is HTTPStatus.CONFLICT
    assert problem in answer.body.decode()
    assert acting.send({**query, "why": "so"}).status is HTTPStatus.CONFLICT
    assert acting.written == {}


def test_a_change_of_another_experiment_is_not_undone_here(acting: Acting) -> None:
    change = SettingsChange("Banner", {"enabled": True}, who="ada", why="it is ready")
    record = acting.writer.write(change, Banner.declaration)
    assert record is not None
    answer = acting.dialog({"act": "undo", "change": record.id})
    assert answer.status is HTTPStatus.CONFLICT
    assert f"The change {record.id} is of Banner" in answer.body.decode()


def test_a_reason_is_needed(acting: Acting) -> None:
    answer = acting.send(acting.form({"act": "roll back"}, why="  "))
    assert answer.status is HTTPStatus.CONFLICT
    assert "A reason is missing" in answer.body.decode()
    assert acting.written == {}


def test_settings_that_cannot_be_read_are_left_alone(acting: Acting) -> None:
    form = acting.form({"act": "roll back"})
    acting.settings.write_text("this is [no TOML")
    answer = acting.send(form)
    assert answer.status is HTTPStatus.CONFLICT
    assert "is no TOML" in answer.body.decode()
    assert acting.settings.read_text() == "this is [no TOML"


def test_settings_that_are_gone_are_no_longer_what_was_seen(acting: Acting) -> None:
    acting.send(acting.form({"act": "ramp", "share": "50"}))
    form = acting.form({"act": "roll back"})
    acting.settings.unlink()
    answer = acting.send(form)
    assert answer.status is HTTPStatus.CONFLICT
    assert "The settings have changed since you opened this page" in answer.body.decode()
    assert not acting.settings.exists()
    assert acting.send(acting.form({"act": "roll back"})).status is HTTPStatus.SEE_OTHER
    assert acting.written == {"enabled": False}


def test_settings_that_cannot_be_opened_are_a_page_that_says_so(acting: Acting) -> None:
    form = acting.form({"act": "roll back"})
    acting.settings.mkdir()
    for answer in (acting.send(form), acting.dialog({"act": "roll back"})):
        assert answer.status is HTTPStatus.CONFLICT
        assert "experiments.toml" in answer.body.decode()
    page = PanelRequest(path="experiments/Checkout/plan/", viewer=acting.viewer)
    assert acting.panel.respond(page).status is HTTPStatus.OK


def test_a_log_that_cannot_be_read_says_so_and_nothing_is_changed(acting: Acting) -> None:
    form = acting.form({"act": "roll back"})
    (acting.settings.parent / "experiments.audit.jsonl").mkdir()
    answer = acting.send(form)
    assert answer.status is HTTPStatus.CONFLICT
    assert "experiments.audit.jsonl cannot be read" in answer.body.decode()
    assert acting.written == {}
    history = PanelRequest(path="experiments/Checkout/history/", viewer=acting.viewer)
    assert b"experiments.audit.jsonl cannot be read" in acting.panel.respond(history).body


def test_two_panels_lose_no_change_and_record_each_once(acting: Acting) -> None:
    changes = 20
    command = [sys.executable, "-m", "tests.panel.settings_changer", str(acting.settings.parent)]
    panels = [
        subprocess.Popen([*command, who, str(changes), first], cwd=ROOT)
        for who, first in (("ada", "1"), ("grace", "21"))
    ]
    assert [panel.wait(300) for panel in panels] == [0, 0]
    records = acting.writer.audit_log.read().records
    made = [record for record in records if record.outcome is ChangeOutcome.WRITTEN]
    assert len(records) == len(made) == 2 * changes
    assert {record.why for record in made} == {str(share) for share in range(1, 41)}
    assert all(record.after["rollout"] == int(record.why) / 100 for record in made)
    assert [each.before for each in made[1:]] == [each.after for each in made[:-1]]
    assert acting.written == made[-1].after


def test_without_settings_nobody_can_act(shop_panel: Panel) -> None:
    viewer = Viewer(may_act=True)
    answer = shop_panel.respond(PanelRequest(path=ACT, viewer=viewer))
    assert answer.status is HTTPStatus.NOT_FOUND
    html = shop_panel.respond(PanelRequest(path="experiments/Checkout/", viewer=viewer)).body
    assert b"Roll back" not in html
