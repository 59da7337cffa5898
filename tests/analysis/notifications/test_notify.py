"""One look after another: who is told what, when sending fails, and when the process dies."""

from datetime import timedelta
from pathlib import Path

import pytest

from abkit.analysis.notifications.alert_state import ExperimentRun
from abkit.analysis.notifications.alerts import DATED, AlertKind
from abkit.analysis.notifications.notify import notify
from abkit.analysis.notifications.stores import FileStore
from abkit.errors import NotificationError

from .results import FIRST, alert, evaluation

RUN = ExperimentRun(experiment="Exp", salt="s")
B, C = alert("b", title="b won"), alert("c", title="c won")


class Inbox:
    """A destination that can be down, or kill the process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.titles: list[str] = []
        self.down = False
        self.dies = False

    def send(self, title: str, body: str, *, kind: AlertKind) -> None:
        if self.down:
            raise NotificationError(self.name, "is down")
        self.titles.append(title)
        if self.dies:
            raise KeyboardInterrupt


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "state.json")


def test_an_onset_is_told_once_until_it_ends_and_comes_back(store: FileStore) -> None:
    inbox = Inbox("mail")
    for looked in (evaluation(B), evaluation(B), evaluation(B, C), evaluation(C), evaluation(B, C)):
        notify(looked, RUN, notifiers=[inbox], store=store, now=FIRST)
    assert inbox.titles == ["b won", "c won", "b won"]


def test_what_was_sent_is_the_answer(store: FileStore) -> None:
    told = notify(evaluation(B), RUN, notifiers=[Inbox("mail")], store=store)
    assert told.sent == ((B, "mail"),)
    assert told.failed == ()
    assert notify(evaluation(B), RUN, notifiers=[Inbox("mail")], store=store).sent == ()


def test_a_look_that_could_not_analyze_ends_nothing(store: FileStore) -> None:
    inbox = Inbox("mail")
    for looked in (evaluation(B), evaluation(evaluated=DATED), evaluation(B)):
        notify(looked, RUN, notifiers=[inbox], store=store, now=FIRST)
    assert inbox.titles == ["b won"]


def test_a_destination_that_is_down_is_tried_again_and_the_other_hears_nothing_twice(
    store: FileStore,
) -> None:
    up, down = Inbox("mail"), Inbox("chat")
    down.down = True
    for _ in range(2):
        told = notify(evaluation(B), RUN, notifiers=[down, up], store=store, now=FIRST)
        assert [str(error) for error in told.failed] == ["chat: is down"]
    down.down = False
    told = notify(evaluation(B), RUN, notifiers=[down, up], store=store, now=FIRST)
    assert told.sent == ((B, "chat"),)
    assert (up.titles, down.titles) == (["b won"], ["b won"])


def test_an_onset_that_nobody_heard_keeps_its_time(store: FileStore) -> None:
    inbox = Inbox("chat")
    inbox.down = True
    notify(evaluation(B), RUN, notifiers=[inbox], store=store, now=FIRST)
    inbox.down = False
    notify(evaluation(B), RUN, notifiers=[inbox], store=store, now=FIRST + timedelta(days=1))
    assert store.read(RUN)[B.key].since == FIRST


def test_a_process_that_dies_before_it_has_written_tells_again(store: FileStore) -> None:
    """At least once: never lost, perhaps twice."""
    inbox = Inbox("mail")
    inbox.dies = True
    with pytest.raises(KeyboardInterrupt):
        notify(evaluation(B), RUN, notifiers=[inbox], store=store, now=FIRST)
    inbox.dies = False
    notify(evaluation(B), RUN, notifiers=[inbox], store=store, now=FIRST)
    assert inbox.titles == ["b won", "b won"]


def test_a_new_destination_hears_what_holds(store: FileStore) -> None:
    notify(evaluation(B), RUN, notifiers=[Inbox("mail")], store=store, now=FIRST)
    new = Inbox("chat")
    notify(evaluation(B), RUN, notifiers=[Inbox("mail"), new], store=store, now=FIRST)
    assert new.titles == ["b won"]


def test_one_destination_that_is_named_twice_is_told_once(store: FileStore) -> None:
    first, second = Inbox("mail"), Inbox("mail")
    notify(evaluation(B), RUN, notifiers=[first, second], store=store, now=FIRST)
    assert [*first.titles, *second.titles] == ["b won"]


def test_a_new_salt_is_a_new_run(store: FileStore) -> None:
    inbox = Inbox("mail")
    for salt in ("s", "s", "s2"):
        run = ExperimentRun(experiment="Exp", salt=salt)
        notify(evaluation(B), run, notifiers=[inbox], store=store, now=FIRST)
    assert inbox.titles == ["b won", "b won"]
