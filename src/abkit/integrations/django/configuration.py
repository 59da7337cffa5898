"""The setting `ABKIT`, read and checked."""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from difflib import get_close_matches
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, cast

from attrs import frozen
from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from abkit.errors import AbkitError, ConfigError
from abkit.exposure.sticky.store import StickyStore, check_store
from abkit.exposure.sticky.store_url import store_from_url
from abkit.handler import EventHandler, check_handler
from abkit.integrations.visitors import MAX_AGE, NAME, Visitors

KEYS = (
    "ALLOW_FORCING",
    "CONSENT",
    "EXPERIMENTS",
    "ON_EVENT",
    "PANEL_EVENTS",
    "PANEL_KEEP",
    "PANEL_MAY_ACT",
    "PANEL_MAY_VIEW",
    "PANEL_RESULTS",
    "PANEL_TABLES",
    "SETTINGS",
    "STICKY_STORE",
    "SUBJECTS",
    "VISITOR",
    "VISITOR_COOKIE",
    "VISITOR_COOKIE_AGE",
    "VISITOR_COOKIE_DOMAIN",
)

PERMISSION = "abkit.act_on_experiments"
"""The permission to change settings in the panel. `migrate` makes it."""

Subjects = Callable[[HttpRequest], Mapping[str, object] | None]
AllowForcing = Callable[[HttpRequest], bool]


@frozen
class Problem:
    """What is wrong with the setting.

    Attributes:
        what: The key, and what is wrong with it.
        hint: What would be right.
    """

    what: str
    hint: str


@frozen(kw_only=True)
class Configuration:
    """The setting `ABKIT`; a key that is wrong has its default.

    Attributes:
        experiments: The module with ACTIVE_EXPERIMENTS; None: `experiments` of each application.
        settings: The file of changes without a deploy; None: there is none.
        on_event: What takes the events; None: what the manager has already.
        sticky_store: Keeps the variants of sticky experiments; None: what the manager has already.
        subjects: Those of a request's session.
        allow_forcing: Whether a request's visitor may force variants.
        panel_events: The folder, or its URL, of the events that the panel shows; None: they are in tables, or
            there is no panel.
        panel_keep: The folder in which the panel keeps what it read; None: in memory only.
        panel_may_act: Whether a request's user may change settings in it.
        panel_may_view: Whether a request's user may look at the panel.
        panel_results: The folder of the results that were stored; None: that of the project, if it has one.
        panel_tables: Gives the tables of the events, as keywords of `Analysis`; None: they are in a folder.
        visitor: The application's own id of a request's visitor; None: there is the cookie.
        consent: Whether a request's visitor may be recognized; None: all may.
        visitor_cookie: The name of the visitor's cookie.
        visitor_cookie_age: How long the browser keeps it.
        visitor_cookie_domain: Whose sub-domains share it; None: only the host that wrote it has it.
        problems: What is wrong.
    """

    experiments: str | None
    settings: str | os.PathLike[str] | None
    on_event: EventHandler | None
    sticky_store: StickyStore | None
    subjects: Subjects
    allow_forcing: AllowForcing | None
    panel_events: str | os.PathLike[str] | None
    panel_keep: str | os.PathLike[str] | None
    panel_may_act: AllowForcing
    panel_may_view: AllowForcing
    panel_results: str | os.PathLike[str] | None
    panel_tables: Callable[[], Mapping[str, Any]] | None
    visitor: Callable[[HttpRequest], object] | None
    consent: Callable[[HttpRequest], object] | None
    visitor_cookie: str
    visitor_cookie_age: timedelta
    visitor_cookie_domain: str | None
    problems: tuple[Problem, ...]


def signed_in_user(request: HttpRequest) -> Mapping[str, object]:
    """The subjects, unless SUBJECTS says otherwise: `user` alone."""
    return {"user": getattr(request, "user", None)}


def is_staff(request: HttpRequest) -> bool:
    """ALLOW_FORCING = "staff"."""
    user: Any = getattr(request, "user", None)
    return bool(getattr(user, "is_active", False) and getattr(user, "is_staff", False))


def has_permission_to_act(request: HttpRequest) -> bool:
    """Who may act in the panel, unless PANEL_MAY_ACT says otherwise."""
    user: Any = getattr(request, "user", None)
    return user is not None and bool(user.has_perm(PERMISSION))


def is_debug(_request: HttpRequest) -> bool:
    """ALLOW_FORCING = "debug"."""
    return bool(settings.DEBUG)


_ALLOWANCES: Mapping[object, AllowForcing] = {"staff": is_staff, "debug": is_debug}


def configuration_of(found: object) -> Configuration:
    """Read the setting; functions that it names are imported.

    Args:
        found: Its value; None if it is not set.
    """
    problems: list[Problem] = []
    if not isinstance(found, Mapping | None):
        what = f"ABKIT must be a dict, not {found!r}"
        problems.append(Problem(what, 'Write ABKIT = {"SUBJECTS": "shop.subjects.of", ...}'))
        found = None
    given: Mapping[Any, Any] = found or {}
    problems += [_unknown(key) for key in given if key not in KEYS]

    def value(key: str, read: Callable[[Any], Any]) -> Any:
        try:
            return None if given.get(key) is None else read(given[key])
        except ConfigError as error:
            problems.append(Problem(f"ABKIT[{key!r}]: {error}", _HINTS[key]))
            return None

    visitor_cookie = value("VISITOR_COOKIE", _cookie_name) or NAME
    return Configuration(
        experiments=value("EXPERIMENTS", _text),
        settings=value("SETTINGS", _path),
        on_event=value("ON_EVENT", _handler),
        sticky_store=value("STICKY_STORE", _store),
        subjects=value("SUBJECTS", _function) or signed_in_user,
        allow_forcing=value("ALLOW_FORCING", _allowance),
        panel_events=value("PANEL_EVENTS", _place),
        panel_keep=value("PANEL_KEEP", _place),
        panel_may_act=value("PANEL_MAY_ACT", _plain_function) or has_permission_to_act,
        panel_may_view=value("PANEL_MAY_VIEW", _plain_function) or is_staff,
        panel_results=value("PANEL_RESULTS", _place),
        panel_tables=value("PANEL_TABLES", partial(_tables, events=given.get("PANEL_EVENTS"))),
        visitor=value("VISITOR", _plain_function),
        consent=value("CONSENT", _plain_function),
        visitor_cookie=visitor_cookie,
        visitor_cookie_age=value("VISITOR_COOKIE_AGE", _cookie_age) or MAX_AGE,
        visitor_cookie_domain=value(
            "VISITOR_COOKIE_DOMAIN", partial(_domain, cookie=visitor_cookie)
        ),
        problems=tuple(problems),
    )


_HINTS = {
    "EXPERIMENTS": 'The module that has ACTIVE_EXPERIMENTS, such as "shop.experiments.config".',
    "SETTINGS": 'A .toml or .json file, such as BASE_DIR / "experiments.toml".',
    "ON_EVENT": 'An ExposureLogger, or the path to one, such as "shop.events.exposures".',
    "STICKY_STORE": 'A URL ("redis://...", "postgresql+psycopg://..."), a store, or the path to one.',
    "SUBJECTS": 'A function of the request, or the path to one, such as "shop.subjects.of".',
    "ALLOW_FORCING": '"staff", "debug", a function of the request, or the path to one.',
    "PANEL_EVENTS": 'A folder or a URL, such as BASE_DIR / "data/events".',
    "PANEL_KEEP": 'A folder of its own, such as BASE_DIR / "data/panel".',
    "PANEL_MAY_VIEW": "A function of the request, or the path to one. Default: staff may look.",
    "PANEL_RESULTS": 'A folder, such as BASE_DIR / "results".',
    "PANEL_TABLES": "abkit.panel.DatabaseTables(...), a function that gives tables, or the path to one.",
    "VISITOR": 'A function of the request, or the path to one, such as "shop.visitors.id_of".',
    "CONSENT": 'A function of the request, or the path to one, such as "shop.visitors.consents".',
    "VISITOR_COOKIE": f"A name that no other cookie has, such as {NAME!r}.",
    "VISITOR_COOKIE_AGE": "A timedelta, or seconds, of a day or more.",
    "VISITOR_COOKIE_DOMAIN": 'The domain whose sub-domains share the cookie, such as "example.com".',
}


def _unknown(key: object) -> Problem:
    close = get_close_matches(str(key).upper(), KEYS, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return Problem(f"ABKIT has an unknown key {key!r}", f"{hint}The keys: {', '.join(KEYS)}.")


def _text(found: object, what: str = "the name of a module") -> str:
    if not isinstance(found, str) or not found:
        message = f"must be {what}, not {found!r}"
        raise ConfigError(message)
    return found


def _path(found: object) -> str | os.PathLike[str]:
    if not isinstance(found, str | os.PathLike) or not os.fspath(found).endswith(
        (".toml", ".json")
    ):
        message = f"must be a .toml or .json file, not {found!r}"
        raise ConfigError(message)
    return cast("str | os.PathLike[str]", found)


def _place(found: object) -> str | os.PathLike[str]:
    if not isinstance(found, str | os.PathLike) or not os.fspath(found):
        message = f"must be a folder or a URL, not {found!r}"
        raise ConfigError(message)
    return cast("str | os.PathLike[str]", found)


def _imported(path: str) -> object:
    try:
        return import_string(path)
    except (ImportError, AbkitError) as error:
        message = f"cannot be imported: {error}"
        raise ConfigError(message) from error


def _function(found: object) -> Callable[..., Any]:
    if isinstance(found, str):
        found = _imported(found)
    if not callable(found):
        message = f"cannot be called: {found!r}"
        raise ConfigError(message)
    return cast("Callable[..., Any]", found)


def _plain_function(found: object) -> Callable[..., Any]:
    function = _function(found)
    if iscoroutinefunction(function):
        message = "must be a plain function, not a coroutine function"
        raise ConfigError(message)
    return function


def _tables(found: object, *, events: object) -> Callable[[], Mapping[str, Any]]:
    if events is not None:
        message = "the events are where PANEL_EVENTS says; leave one of them out"
        raise ConfigError(message)
    return _plain_function(found)


def _cookie_name(found: object) -> str:
    name = Visitors(cookie=_text(found, "a name")).cookie
    taken = {
        settings.SESSION_COOKIE_NAME: "Django's session",
        settings.CSRF_COOKIE_NAME: "Django's CSRF token",
        settings.LANGUAGE_COOKIE_NAME: "Django's language",
    }
    if name in taken:
        message = f"{name!r} is the cookie of {taken[name]}"
        raise ConfigError(message)
    return name


def _domain(found: object, *, cookie: str) -> str | None:
    return Visitors(cookie=cookie, domain=_text(found, "a domain")).domain


def _cookie_age(found: object) -> timedelta:
    if isinstance(found, bool) or not isinstance(found, int | timedelta):
        message = f"must be a timedelta or whole seconds, not {found!r}"
        raise ConfigError(message)
    try:
        age = found if isinstance(found, timedelta) else timedelta(seconds=found)
    except OverflowError:
        message = f"is too long: {found} seconds"
        raise ConfigError(message) from None
    Visitors(max_age=age)
    return age


def _handler(found: object) -> EventHandler:
    if isinstance(found, str):
        found = _imported(found)
    check_handler(found)
    return cast("EventHandler", found)


def _store(found: object) -> StickyStore:
    if isinstance(found, str):
        found = store_from_url(found) if "://" in found else _imported(found)
    check_store(found)
    return cast("StickyStore", found)


def _allowance(found: object) -> AllowForcing:
    named = _ALLOWANCES.get(found) if isinstance(found, str) else None
    return _function(found) if named is None else named
