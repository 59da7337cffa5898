"""The endpoint without a framework."""

import logging
from typing import Any

import pytest

from abkit import ConfigError, ExperimentManager, Holdout, OrgExperiment
from abkit.events import Event, Exposure
from abkit.integrations.endpoint import (
    EndpointStats,
    LogExposureEndpoint,
    is_same_variant,
)
from abkit.integrations.wire import RequestHead

from .declared import EXPERIMENTS, manager_of, other
from .endpoint_contract import BUTTONS, PLUGINS, says

HEAD = RequestHead(method="POST", headers={"Content-Type": "application/json"})
SESSION = {"org": "42", "user": "7"}


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def endpoint(events: list[Event]) -> LogExposureEndpoint:
    return LogExposureEndpoint(manager_of(events))


@pytest.mark.parametrize("length", ["-1", "1e3", "x", "\u0661", " 5", "+5", "0x10"])
def test_a_length_that_is_no_number_is_refused(endpoint: LogExposureEndpoint, length: str) -> None:
    head = RequestHead(method="POST", headers={**HEAD.headers, "Content-Length": length})
    refused = endpoint.refuse(head)
    assert refused is not None
    assert refused.status == 400


@pytest.mark.parametrize("length", ["65537", "9" * 5_000])
def test_a_length_above_the_bound_is_refused_before_anything_is_read(
    endpoint: LogExposureEndpoint, length: str
) -> None:
    head = RequestHead(method="POST", headers={**HEAD.headers, "Content-Length": length})
    refused = endpoint.refuse(head)
    assert refused is not None
    assert refused.status == 413


def test_a_head_that_is_right_passes(endpoint: LogExposureEndpoint) -> None:
    for kind in ("application/json", "Application/JSON; charset=utf-8", "text/plain;charset=UTF-8"):
        headers = {"Content-Type": kind, "Content-Length": "65536"}
        assert endpoint.refuse(RequestHead(method="POST", headers=headers)) is None
    assert endpoint.stats == EndpointStats()


def test_the_bounds_are_the_applications(events: list[Event]) -> None:
    endpoint = LogExposureEndpoint(manager_of(events), max_body=10, max_batch=1)
    head = RequestHead(method="POST", headers={**HEAD.headers, "Content-Length": "11"})
    assert endpoint.refuse(head) is not None
    assert endpoint.answer(HEAD, None, subjects=SESSION).status == 413
    batch = says({"exposures": [PLUGINS, BUTTONS]})
    assert endpoint.answer(HEAD, batch, subjects=SESSION).status == 400
    assert events == []


@pytest.mark.parametrize(
    "options", [{"max_body": 0}, {"max_batch": 0}, {"trusted_origins": "https://shop.example"}]
)
def test_bounds_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        LogExposureEndpoint(ExperimentManager(), **options)


def test_a_session_whose_subjects_have_no_id_is_nobodys(endpoint: LogExposureEndpoint) -> None:
    for subjects in (None, {}, {"org": None, "user": object()}, {"org": ""}):
        assert endpoint.answer(HEAD, says(PLUGINS), subjects=subjects).status == 401


def test_a_session_without_the_experiments_unit_is_refused(
    endpoint: LogExposureEndpoint, events: list[Event]
) -> None:
    assert endpoint.answer(HEAD, says(PLUGINS), subjects={"user": "42"}).status == 403
    assert events == []


def test_stats_add_up(endpoint: LogExposureEndpoint) -> None:
    right = endpoint.manager.get("ShowPlugins", org="42")
    endpoint.answer(HEAD, says({**PLUGINS, "variant": other(right)}), subjects=SESSION)
    endpoint.answer(HEAD, says({**PLUGINS, "experiment": "Ramping"}), subjects=SESSION)
    endpoint.answer(
        HEAD, says({"exposures": [PLUGINS, {**PLUGINS, "unitId": "1"}]}), subjects=SESSION
    )
    endpoint.answer(HEAD, b"", subjects=SESSION)
    assert endpoint.stats == EndpointStats(logged=2, skipped=1, mismatched=1, refused=2)
    assert "logged=2" in repr(endpoint)


def test_mismatches_are_logged_once_per_experiment(
    endpoint: LogExposureEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    body = says({**PLUGINS, "variant": "another"})
    with caplog.at_level(logging.WARNING, "abkit"):
        for _ in range(3):
            endpoint.answer(HEAD, body, subjects=SESSION)
    assert endpoint.stats.mismatched == 3
    (record,) = caplog.records
    assert record.message.startswith("ShowPlugins: a browser has shown another variant")


def test_an_experiment_that_fails_is_skipped_and_the_others_are_logged() -> None:
    class Fails(OrgExperiment):
        control = "0"

        def assign(self, params: Any, org: Any) -> None:
            raise ZeroDivisionError

    events: list[Event] = []
    manager = ExperimentManager(on_event=events.append, strict=False)
    for experiment in (Fails, *EXPERIMENTS):
        manager.add(experiment)
    endpoint = LogExposureEndpoint(manager)
    batch = says({"exposures": [{**PLUGINS, "experiment": "Fails"}, PLUGINS]})
    assert endpoint.answer(HEAD, batch, subjects=SESSION).status == 204
    assert len(events) == 1
    assert (endpoint.stats.logged, endpoint.stats.skipped) == (1, 1)


@pytest.mark.parametrize(
    ("sent", "assigned", "same"),
    [
        ("1", "1", True),
        (1, "1", True),
        ("1", 1, True),
        (1, 1.0, True),
        (True, True, True),
        ("true", True, True),
        (True, 1, False),
        (1, True, False),
        (True, "1", False),
        ("1.0", 1, False),
        ("", "0", False),
    ],
)
def test_a_variant_that_came_as_json_is_compared_by_its_text(
    sent: Any, assigned: Any, *, same: bool
) -> None:
    assert is_same_variant(sent, assigned) is same


@pytest.mark.parametrize(
    ("attributes", "side", "stats"),
    [
        ({"holdouts": [Holdout("q3", 1)]}, "holdout", EndpointStats(logged=1)),
        ({"holdouts": [Holdout("q3", 1e-9)], "winner": "1"}, "shipped", EndpointStats(skipped=1)),
        ({"winner": "1"}, None, EndpointStats(skipped=1)),
    ],
    ids=["held out", "shipped", "no holdout"],
)
def test_a_browser_exposes_to_the_holdout_without_giving_it_the_variant(
    events: list[Event], attributes: dict[str, Any], side: str | None, stats: EndpointStats
) -> None:
    manager = ExperimentManager(on_event=events.append, strict=True)
    manager.add(type("ShowPlugins", (OrgExperiment,), {"variants": ["0", "1"], **attributes}))
    endpoint = LogExposureEndpoint(manager)
    assert endpoint.answer(HEAD, says(PLUGINS), subjects=SESSION).status == 204
    assert [(e.experiment, e.variant) for e in events if isinstance(e, Exposure)] == (
        [] if side is None else [("q3", side)]
    )
    assert endpoint.stats == stats
