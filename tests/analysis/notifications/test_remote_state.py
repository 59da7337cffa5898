"""The alert states at a URL: kept for each run, whoever else writes; what cannot be said is told."""

from uuid import uuid4

import fsspec  # type: ignore[import-untyped]
import pytest

from abkit.analysis.notifications.alert_state import AlertState, ExperimentRun, FiringAlert
from abkit.analysis.notifications.remote_state import RemoteStore
from abkit.errors import ConfigError

from .results import FIRST

RUN = ExperimentRun(experiment="Exp", salt="s")
OTHER = ExperimentRun(experiment="Other", salt="s")
STATE: AlertState = {
    ("significance", "click", "b"): FiringAlert(since=FIRST, notified=frozenset({"chat"}))
}


@pytest.fixture
def url() -> str:
    return f"memory://{uuid4().hex}/state.json"


def test_what_a_step_makes_is_read_by_another_store(url: str) -> None:
    store = RemoteStore(url)
    assert store.read(RUN) == {}
    store.update(RUN, lambda _before: STATE)
    assert RemoteStore(url).read(RUN) == STATE
    assert RemoteStore(url).read(OTHER) == {}


def test_the_state_of_another_experiment_is_kept_if_it_is_written_meanwhile(s3: str) -> None:
    url = f"{s3}/state.json"

    def step(_before: AlertState) -> AlertState:
        RemoteStore(url).update(OTHER, lambda _before: STATE)
        return STATE

    RemoteStore(url).update(RUN, step)
    assert RemoteStore(url).read(RUN) == RemoteStore(url).read(OTHER) == STATE


def test_who_is_second_for_one_experiment_is_told_that_messages_may_have_been_sent_twice(
    url: str,
) -> None:
    def step(_before: AlertState) -> AlertState:
        RemoteStore(url).update(RUN, lambda _before: STATE)
        return {("srm", "", ""): FiringAlert(since=FIRST, notified=frozenset())}

    with pytest.raises(ConfigError, match="some may have been sent twice"):
        RemoteStore(url).update(RUN, step)
    assert RemoteStore(url).read(RUN) == STATE


def test_another_file_is_neither_used_nor_changed(url: str) -> None:
    memory = fsspec.filesystem("memory")
    for content in (b"", b"[]", b"\xff\xfe"):
        memory.pipe_file(url, content)
        with pytest.raises(ConfigError, match=r"state\.json is not a state of notifications"):
            RemoteStore(url).update(RUN, lambda _before: STATE)
        assert memory.cat_file(url) == content


def test_a_step_that_raises_and_one_without_news_write_nothing(url: str) -> None:
    def fails(_before: AlertState) -> AlertState:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        RemoteStore(url).update(RUN, fails)
    RemoteStore(url).update(RUN, dict)
    assert not fsspec.filesystem("memory").exists(url)


def test_what_is_no_file_system_is_told() -> None:
    with pytest.raises(ConfigError, match="unheard://x/state.json cannot be read or written"):
        RemoteStore("unheard://x/state.json")
