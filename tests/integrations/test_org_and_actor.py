"""The handbook's experiments where the session has an organization and an actor, and no user by that name."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask import Request as FlaskRequest
from openfeature.evaluation_context import EvaluationContext
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from abkit import ExperimentManager, MissingSubjectError
from abkit.events import Event
from abkit.integrations import flask, starlette
from abkit.integrations.endpoint import PATH, LogExposureEndpoint
from abkit.integrations.openfeature import AbkitProvider
from abkit.integrations.per_request import RequestExperiments, experiments_payload
from abkit.integrations.wire import RequestHead

from ..handbook import Org, User, load_module
from .asgi_client import Client

ORGS, USERS = "ShowPluginsExperiment", "OnboardingExperiment"
SUBJECTS: dict[str, Any] = {"org": Org(1), "actor": User(7)}
HEAD = RequestHead(method="POST", headers={})


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def manager(tmp_path: Path, events: list[Event]) -> ExperimentManager:
    manager = ExperimentManager(strict=True, on_event=events.append)
    for experiment in load_module(tmp_path).ACTIVE_EXPERIMENTS:
        manager.add(experiment, experiment.param_name)
    return manager


@pytest.fixture
def expected(manager: ExperimentManager) -> dict[str, str]:
    return manager.all(**SUBJECTS)


def sent(payload: Mapping[str, Mapping[str, object]]) -> bytes:
    """What the page sends back of the payload that it got."""
    exposures = [
        {"experiment": name, **{key: entry[key] for key in ("unitType", "unitId", "variant")}}
        for name, entry in payload.items()
    ]
    return json.dumps({"exposures": exposures}).encode()


def exposed(events: list[Any]) -> list[tuple[object, ...]]:
    return [(each.unit_type, each.unit_id, each.user_id, each.groups["org"]) for each in events]


def test_a_request_has_both_experiments(
    manager: ExperimentManager, events: list[Event], expected: dict[str, str]
) -> None:
    experiments = RequestExperiments(manager, lambda: SUBJECTS)
    assert {name: experiments[name] for name in manager} == expected
    assert {name: entry["variant"] for name, entry in experiments.payload().items()} == expected
    for name in manager:
        experiments.log_exposure(name)
    assert exposed(events) == [("org", "1", "7", "1"), ("user", "7", "7", "1")]


def test_an_actor_who_is_nobody_is_told_as_such(manager: ExperimentManager) -> None:
    nobody = SimpleNamespace(id=None, is_anonymous=True)
    experiments = RequestExperiments(manager, lambda: {**SUBJECTS, "actor": nobody})
    assert {*experiments.payload()} == {ORGS}
    with pytest.raises(MissingSubjectError, match="user= is missing, and actor= is an anonymous"):
        experiments[USERS]
    with pytest.raises(MissingSubjectError, match="user= is missing, and actor= is an anonymous"):
        manager.get(USERS, org=SUBJECTS["org"], actor=nobody)


def test_the_browser_may_expose_what_it_was_told(
    manager: ExperimentManager, events: list[Event]
) -> None:
    endpoint = LogExposureEndpoint(manager)
    body = sent(experiments_payload(manager, **SUBJECTS))
    assert endpoint.answer(HEAD, body, subjects=SUBJECTS).status == 204
    assert (endpoint.stats.logged, endpoint.stats.mismatched) == (2, 0)
    assert exposed(events) == [("org", "1", "7", "1"), ("user", "7", "7", "1")]
    others = {**SUBJECTS, "actor": User(8)}
    refused: Any = endpoint.answer(HEAD, body, subjects=others).content
    assert [each["status"] for each in refused["results"]] == [204, 403]


def test_flask(manager: ExperimentManager, events: list[Event], expected: dict[str, str]) -> None:
    app = Flask(__name__)

    def subjects(_: FlaskRequest) -> Mapping[str, object]:
        return SUBJECTS

    flask.Abkit(app, subjects=subjects, manager=manager)

    @app.get("/")
    def page() -> dict[str, object]:
        return {name: flask.experiments.get(name) for name in manager}

    client = app.test_client()
    assert client.get("/").json == expected
    body = sent(experiments_payload(manager, **SUBJECTS))
    assert client.post(PATH, data=body, content_type="application/json").status_code == 204
    assert len(events) == 2


def test_starlette(
    manager: ExperimentManager, events: list[Event], expected: dict[str, str]
) -> None:
    async def subjects(_: StarletteRequest) -> Mapping[str, object]:
        return SUBJECTS

    abkit = starlette.Abkit(subjects=subjects, manager=manager)

    async def page(request: StarletteRequest) -> Response:
        experiments = await abkit.experiments(request)
        return JSONResponse({name: experiments.get(name) for name in manager})

    app = Starlette(routes=[Route("/", page)])
    abkit.init_app(app)
    client = Client(app)
    assert client.get("/").json() == expected
    body = sent(experiments_payload(manager, **SUBJECTS))
    headers = {"content-type": "application/json"}
    assert client.request("POST", PATH, content=body, headers=headers).status_code == 204
    assert len(events) == 2


def test_openfeature_takes_the_actor_for_the_user(
    manager: ExperimentManager, expected: dict[str, str]
) -> None:
    context = EvaluationContext(
        attributes={
            "org": {"id": 1, "slug": "acme"},
            "actor": {"id": 7, "email": "ann@example.com"},
        }
    )
    provider = AbkitProvider(manager)
    for name, variant in expected.items():
        assert provider.resolve_string_details(name, "?", context).value == variant
