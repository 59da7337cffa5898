"""Django: the setting ABKIT."""

from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest

from abkit.exposure.sticky.sql_store import SqlStickyStore
from abkit.exposure.sticky.store import MemoryStickyStore
from abkit.integrations.django.configuration import (
    configuration_of,
    is_debug,
    is_staff,
    signed_in_user,
)


@pytest.mark.usefixtures("django")
def test_without_the_setting_the_signed_in_user_is_the_subject_and_nobody_forces() -> None:
    for found in (None, {}, {"SUBJECTS": None}):
        configuration = configuration_of(found)
        assert configuration.subjects is signed_in_user
        assert configuration.allow_forcing is None
        assert (configuration.visitor, configuration.consent) == (None, None)
        assert configuration.visitor_cookie == "abkit_visitor"
        assert configuration.visitor_cookie_age == timedelta(days=730)
        assert configuration.problems == ()
    assert signed_in_user(HttpRequest()) == {"user": None}
    assert not is_staff(HttpRequest())


@pytest.mark.usefixtures("django")
def test_all_keys() -> None:
    configuration = configuration_of(
        {
            "ALLOW_FORCING": "staff",
            "EXPERIMENTS": "shop.experiments",
            "ON_EVENT": "json.dumps",
            "SETTINGS": Path("experiments.toml"),
            "STICKY_STORE": MemoryStickyStore(),
            "SUBJECTS": signed_in_user,
            "CONSENT": "shop.subjects.of",
            "VISITOR": signed_in_user,
            "VISITOR_COOKIE": "shop_visitor",
            "VISITOR_COOKIE_AGE": 86_400,
            "VISITOR_COOKIE_DOMAIN": "example.com",
        }
    )
    assert configuration.problems == ()
    assert configuration.allow_forcing is is_staff
    assert configuration.experiments == "shop.experiments"
    assert configuration.on_event is not None
    assert configuration_of({"ALLOW_FORCING": "debug"}).allow_forcing is is_debug
    assert configuration_of({"ALLOW_FORCING": is_debug}).allow_forcing is is_debug
    assert configuration_of({"SETTINGS": "a.json"}).settings == "a.json"
    assert isinstance(configuration.sticky_store, MemoryStickyStore)
    assert configuration.consent is import_module("shop.subjects").of
    assert configuration.visitor is signed_in_user
    assert configuration.visitor_cookie == "shop_visitor"
    assert configuration.visitor_cookie_age == timedelta(days=1)
    assert configuration.visitor_cookie_domain == "example.com"
    year = timedelta(days=365)
    assert configuration_of({"VISITOR_COOKIE_AGE": year}).visitor_cookie_age == year
    by_url = configuration_of({"STICKY_STORE": "sqlite:///sticky.db"}).sticky_store
    assert isinstance(by_url, SqlStickyStore)


async def consents_later(_request: HttpRequest) -> bool:
    return False


@pytest.mark.parametrize(
    ("found", "what", "hint"),
    [
        (["x"], "must be a dict", "ABKIT = {"),
        ({"SUBJECT": "x.y"}, "unknown key 'SUBJECT'", "Did you mean 'SUBJECTS'? The keys: ALLOW"),
        ({"subjects": "x.y"}, "unknown key 'subjects'", "Did you mean 'SUBJECTS'?"),
        ({1: "x.y"}, "unknown key 1", "The keys"),
        ({"EXPERIMENTS": ["a"]}, "must be the name of a module", "ACTIVE_EXPERIMENTS"),
        ({"EXPERIMENTS": ""}, "must be the name of a module", "ACTIVE_EXPERIMENTS"),
        ({"SETTINGS": "experiments.yaml"}, ".toml or .json", ".toml or .json"),
        ({"SETTINGS": {}}, ".toml or .json", ".toml or .json"),
        ({"STICKY_STORE": "json.loads"}, "an object with get(key) and set(choices)", "A URL"),
        ({"STICKY_STORE": "oracle://host/name"}, "MySQL or MariaDB, not in oracle", "A URL"),
        ({"STICKY_STORE": "shop.nowhere"}, "cannot be imported", "A URL"),
        ({"ON_EVENT": "nowhere.exposures"}, "cannot be imported: No module", "ExposureLogger"),
        ({"ON_EVENT": "json.exposures"}, "cannot be imported", "ExposureLogger"),
        ({"ON_EVENT": 3}, "cannot be called", "ExposureLogger"),
        ({"ON_EVENT": "abkit.sinks.memory.MemorySink"}, "is a class", "ExposureLogger"),
        ({"SUBJECTS": "subjects"}, "cannot be imported", "function of the request"),
        ({"SUBJECTS": "json.__name__"}, "cannot be called", "function of the request"),
        ({"ALLOW_FORCING": "everybody"}, "cannot be imported", '"staff", "debug"'),
        ({"ALLOW_FORCING": True}, "cannot be called: True", '"staff", "debug"'),
        ({"VISITOR": "nowhere.id_of"}, "cannot be imported", "shop.visitors.id_of"),
        ({"VISITOR": "v-1"}, "cannot be imported", "function of the request"),
        ({"CONSENT": True}, "cannot be called: True", "shop.visitors.consents"),
        ({"CONSENT": consents_later}, "not a coroutine function", "function of the request"),
        ({"VISITOR_COOKIE": 3}, "must be a name, not 3", "'abkit_visitor'"),
        ({"VISITOR_COOKIE": "a b"}, "must have a name such as", "'abkit_visitor'"),
        ({"VISITOR_COOKIE": "sessionid"}, "is the cookie of Django's session", "no other cookie"),
        ({"VISITOR_COOKIE": "abkit"}, "has forced variants", "no other cookie"),
        ({"VISITOR_COOKIE_AGE": 3_600}, "must last for a day or more", "timedelta, or seconds"),
        ({"VISITOR_COOKIE_AGE": True}, "must be a timedelta or whole seconds", "a day or more"),
        ({"VISITOR_COOKIE_AGE": "2y"}, "must be a timedelta or whole seconds", "a day or more"),
        ({"VISITOR_COOKIE_AGE": 10**20}, "is too long", "timedelta, or seconds"),
        (
            {"VISITOR_COOKIE_DOMAIN": "https://example.com"},
            "must be one such as 'example.com'",
            "sub-domains share",
        ),
        (
            {"VISITOR_COOKIE": "__Host-who", "VISITOR_COOKIE_DOMAIN": "example.com"},
            "is of one host",
            "sub-domains share",
        ),
        ({"VISITOR_COOKIE_DOMAIN": ""}, "must be a domain, not ''", "example.com"),
        ({"VISITORS": "x.y"}, "unknown key 'VISITORS'", "Did you mean 'VISITOR'?"),
    ],
)
@pytest.mark.usefixtures("django")
def test_what_is_wrong_is_said_with_what_would_be_right(found: Any, what: str, hint: str) -> None:
    (problem,) = configuration_of(found).problems
    assert what in problem.what
    assert hint in problem.hint
