"""Forced variants of one visitor: the parameter, the cookie, and its signature."""

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import ConfigError, ExperimentManager, OrgExperiment
from abkit.integrations.forcing_cookie import (
    LONGEST,
    MAX_AGE,
    CookieSigner,
    Forcing,
    forced_pieces,
    forcing_of,
)

from .declared import manager_of


class Numbers(OrgExperiment):
    name = "Prices: low, high"
    variants = [2, 2.5, True, "a:b,c"]


class InCode(OrgExperiment):
    control = "0"

    def assign(self, params: object, org: object) -> None:
        """Whatever the code says."""


@pytest.fixture
def manager() -> ExperimentManager:
    manager = manager_of([])
    manager.add(Numbers)
    manager.add(InCode)
    return manager


def test_the_parameter_forces_and_is_stored(manager: ExperimentManager) -> None:
    forcing = forcing_of(manager, parameter="ShowPlugins:1, Buttons:new", cookie="Chosen:0")
    assert forcing.variants == {"ShowPlugins": "1", "Buttons": "new"}
    assert forcing.cookie == "ShowPlugins:1,Buttons:new"
    assert forcing.headers["X-Abkit-Forced"] == "ShowPlugins:1,Buttons:new"
    assert "X-Abkit-Ignored" not in forcing.headers


def test_the_cookie_forces_where_there_is_no_parameter(manager: ExperimentManager) -> None:
    forcing = forcing_of(manager, parameter=None, cookie="ShowPlugins:1")
    assert forcing.variants == {"ShowPlugins": "1"}
    assert forcing.cookie is None


def test_an_empty_parameter_ends_it(manager: ExperimentManager) -> None:
    for parameter in ("", "  "):
        assert forcing_of(manager, parameter=parameter, cookie="ShowPlugins:1") == Forcing(
            cookie=""
        )


def test_neither_forces_nothing(manager: ExperimentManager) -> None:
    assert forcing_of(manager, parameter=None, cookie=None) == Forcing()


def test_a_parameter_of_which_nothing_can_be_used_changes_nothing(
    manager: ExperimentManager,
) -> None:
    forcing = forcing_of(manager, parameter="Gone:1", cookie="ShowPlugins:1")
    assert forcing.variants == {"ShowPlugins": "1"}
    assert forcing.cookie is None
    assert forcing.headers["X-Abkit-Ignored"] == "Gone%3A1 (no such experiment)"


def test_a_variant_has_the_type_that_is_declared(manager: ExperimentManager) -> None:
    for text, variant in {"2": 2, "2.5": 2.5, "true": True, "a%3Ab%2Cc": "a:b,c"}.items():
        forcing = forcing_of(manager, parameter=f"Prices%3A low%2C high:{text}", cookie=None)
        assert forcing.variants == {"Prices: low, high": variant}
        assert type(forcing.variants["Prices: low, high"]) is type(variant)
        again = forcing_of(manager, parameter=None, cookie=forcing.cookie)
        assert again.variants == forcing.variants


def test_variants_that_only_the_code_knows_are_texts(manager: ExperimentManager) -> None:
    forcing = forcing_of(manager, parameter="InCode:7", cookie=None)
    assert forcing.variants == {"InCode": "7"}


def test_a_text_that_is_too_long_is_not_looked_at(manager: ExperimentManager) -> None:
    forcing = forcing_of(manager, parameter="ShowPlugins:1," * LONGEST, cookie=None)
    assert forcing.variants == {}
    assert forcing.headers["X-Abkit-Ignored"] == f"more than {LONGEST} characters"


@given(st.text())
def test_headers_are_short_and_plain_whatever_is_asked_for(text: str) -> None:
    forcing = forcing_of(manager_of([]), parameter=text, cookie=text)
    for value in forcing.headers.values():
        assert len(value) <= LONGEST
        assert value.isascii()
        assert value.isprintable()


@given(st.text(), st.text(min_size=1))
def test_what_is_signed_is_read(text: str, secret: str) -> None:
    signed = CookieSigner(secret).sign(text)
    assert CookieSigner(secret.encode(errors="replace")).read(signed) == text
    assert {*signed} <= {*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=."}


@given(st.text() | st.none())
def test_what_was_not_signed_is_nothing(value: str | None) -> None:
    assert CookieSigner("secret").read(value) is None


@given(st.text(min_size=1), st.data())
def test_a_change_of_any_character_is_noticed(text: str, data: st.DataObject) -> None:
    signer = CookieSigner("secret")
    signed = signer.sign(text)
    position = data.draw(st.integers(0, len(signed) - 1))
    character = data.draw(st.characters().filter(lambda each: each != signed[position]))
    assert signer.read(signed[:position] + character + signed[position + 1 :]) is None


def test_the_secret_of_another_does_not_sign() -> None:
    assert CookieSigner("one").read(CookieSigner("other").sign("ShowPlugins:1")) is None


def test_a_cookie_ends_after_its_time() -> None:
    now = 1_000_000.0
    signer = CookieSigner("secret", clock=lambda: now)
    signed = signer.sign("ShowPlugins:1")
    now += MAX_AGE
    assert signer.read(signed) == "ShowPlugins:1"
    now += 1
    assert signer.read(signed) is None


def test_without_a_secret_nothing_is_signed() -> None:
    for secret in ("", b""):
        with pytest.raises(ConfigError, match="needs a secret"):
            CookieSigner(secret)


def test_each_piece_of_a_stream_is_made_under_force_and_the_rest_is_not(
    manager: ExperimentManager,
) -> None:
    closed = []

    def made() -> object:
        try:
            while True:
                yield manager.get("ShowPlugins", org=1)
        finally:
            closed.append(True)

    forcings = [Forcing(MappingProxyType({"ShowPlugins": variant})) for variant in ("0", "1")]
    streams = [forced_pieces(made(), forcing) for forcing in forcings]  # type: ignore[arg-type]
    assigned = manager.get("ShowPlugins", org=1)
    for _ in range(3):
        assert [next(stream) for stream in streams] == ["0", "1"]
        assert manager.get("ShowPlugins", org=1) == assigned
    for stream in streams:
        stream.close()  # type: ignore[attr-defined]
    assert len(closed) == 2
