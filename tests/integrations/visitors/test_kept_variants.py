"""Visitors keep the variants of sticky experiments in a signed cookie."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from abkit import ExperimentManager, Params, UniformChoice, VisitorExperiment
from abkit.experiments.declaring.identities import new_visitor_id
from abkit.exposure.sticky.store import MemoryStickyStore
from abkit.integrations.flask import Abkit, experiments
from abkit.integrations.visitors.cookie import VisitorCookieSigner
from abkit.integrations.visitors.kept_variants import KeptVariants, VisitorVariants, keeping


class Signup(VisitorExperiment):
    variants = {"form": 0, "github": 1}
    sticky = True


class Loose(VisitorExperiment):
    variants = {"form": 0, "github": 1}


@pytest.fixture
def settings() -> dict[str, dict[str, Any]]:
    return {}


@pytest.fixture
def manager(settings: dict[str, dict[str, Any]]) -> ExperimentManager:
    manager = ExperimentManager(on_event=lambda _: None, settings=settings, strict=True)
    manager.use_settings(settings, interval=0)
    manager.add(Signup)
    manager.add(Loose)
    return manager


@pytest.fixture
def app(manager: ExperimentManager) -> Flask:
    app = Flask(__name__)
    app.secret_key = b"of the tests"
    Abkit(app, manager=manager)

    @app.get("/look")
    def look() -> dict[str, Any]:
        return {each.name: experiments[each] for each in (Signup, Loose)}

    @app.get("/see")
    def see() -> dict[str, Any]:
        for each in (Signup, Loose):
            experiments.log_exposure(each)
        return look()

    return app


def test_who_was_exposed_keeps_the_variant_and_who_was_not_does_not(
    app: Flask, settings: dict[str, dict[str, Any]]
) -> None:
    exposed, asked = app.test_client(), app.test_client()
    both = {"Signup": "github", "Loose": "github"}
    assert exposed.get("/see").json == asked.get("/look").json == both
    settings |= {each: {"rollout": 0.0} for each in both}
    for _ in range(2):
        assert exposed.get("/see").json == {"Signup": "github", "Loose": "form"}
    assert asked.get("/look").json == {"Signup": "form", "Loose": "form"}


def test_it_is_written_once_and_hidden_from_scripts(app: Flask) -> None:
    client = app.test_client()
    written = client.get("/see").headers.getlist("Set-Cookie")
    (variants,) = (each for each in written if each.startswith("abkit_visitor_variants="))
    assert {"HttpOnly", "SameSite=Lax", "Max-Age=63072000"} <= {*variants.split("; ")}
    assert client.get("/see").headers.getlist("Set-Cookie") == []


def test_the_cookie_of_another_visitor_says_nothing(
    app: Flask, settings: dict[str, dict[str, Any]]
) -> None:
    exposed, thief = app.test_client(), app.test_client()
    exposed.get("/see")
    thief.get("/look")
    stolen = exposed.get_cookie("abkit_visitor_variants")
    assert stolen is not None
    thief.set_cookie("abkit_visitor_variants", stolen.value)
    settings["Signup"] = {"rollout": 0.0}
    assert thief.get("/look").json == {"Signup": "form", "Loose": "github"}


def test_a_store_that_the_application_has_set_is_the_place(
    app: Flask, manager: ExperimentManager
) -> None:
    store = MemoryStickyStore()
    manager.use_sticky_store(store)
    written = app.test_client().get("/see").headers.getlist("Set-Cookie")
    assert len(written) == 1
    assert manager.sticky is not None
    assert manager.sticky.flush()
    assert len(store) == 1


def test_a_variant_that_is_not_declared_any_more_is_replaced(manager: ExperimentManager) -> None:
    manager.use_visitor_variants(VisitorVariants())
    kept = KeptVariants("v1", None, lambda: VisitorCookieSigner("secret"))
    kept.keep("Signup", "gone")
    with keeping(kept):
        manager.log_exposure(Signup, visitor="v1")
        assert "kept by the visitor's cookie" in str(manager.explain(Signup, visitor="v1"))
    assert kept.variants == {"Signup": "github"}
    assert "keeps nothing" in str(manager.explain(Signup, visitor="v1"))


def test_where_only_the_code_knows_the_variants_any_may_be_kept(
    manager: ExperimentManager,
) -> None:
    class InCode(VisitorExperiment):
        sticky = True

        def assign(self, params: Params, visitor: str) -> None:
            params.variant = UniformChoice(choices=["a"], unit=visitor)

        def default_value(self) -> str:
            return "a"

    manager.add(InCode)
    manager.use_visitor_variants(VisitorVariants())
    kept = KeptVariants("v1", None, lambda: VisitorCookieSigner("secret"))
    kept.keep("InCode", "b")
    kept.keep("InCode", "b")
    with keeping(kept):
        assert manager.get(InCode, visitor="v1") == "b"
        assert manager.get(InCode, visitor="v2") == "a"
    assert manager.get(InCode, visitor="v1") == "a"


@given(st.dictionaries(st.text(max_size=80), st.text(max_size=80), max_size=60), st.text())
def test_what_is_written_is_read_and_what_is_too_long_is_forgotten_from_the_first_on(
    variants: dict[str, str], forged: str
) -> None:
    signer, visitor = VisitorCookieSigner("secret"), new_visitor_id()
    kept = KeptVariants(visitor, forged, lambda: signer)
    for name, variant in variants.items():
        kept.keep(name, variant)
    value = kept.written()
    assert len(value) < 3_100
    found = [*KeptVariants(visitor, value, lambda: signer).variants.items()]
    assert found == [*variants.items()][len(variants) - len(found) :]
    content = json.dumps(variants).encode()
    unsigned = f"{urlsafe_b64encode(content).decode()}.{signer.signature('')}"
    assert KeptVariants(visitor, unsigned, lambda: signer).variants == {}
