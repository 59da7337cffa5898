"""Visitors, without a framework: who is recognized, who is not, and what the response says."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import (
    ConfigError,
    ExperimentManager,
    ExposureLogger,
    Holdout,
    MissingSubjectError,
    Reason,
    UserExperiment,
    VisitorExperiment,
    force,
)
from abkit.events import Action, Event, Exposure, Identity
from abkit.experiments.declaring.identities import is_visitor_id, new_visitor_id
from abkit.exposure import MemoryDedup
from abkit.integrations.per_request import RequestExperiments
from abkit.integrations.visitors import (
    RequestVisitor,
    VisitorRequest,
    Visitors,
    VisitorStats,
    is_bot,
    signer_of,
)
from abkit.integrations.visitors.cookie import VisitorCookieSigner
from abkit.integrations.visitors.kept_variants import KeptVariants
from abkit.integrations.visitors.response import VisitorResponse
from abkit.sinks.memory import MemorySink

DAY = 86_400
NOW = 20_000.0 * DAY
SIGNER = VisitorCookieSigner("secret")
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


class Signup(VisitorExperiment):
    variants = {"form": 0, "github": 1}


def request(cookie: str | None = None, **more: Any) -> VisitorRequest:
    return VisitorRequest(
        **{"cookie": cookie, "user_agent": CHROME, "signer": lambda: SIGNER, **more}
    )


@pytest.fixture
def visitors() -> Visitors[object]:
    return Visitors()


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def manager(events: list[Event]) -> ExperimentManager:
    manager = ExperimentManager(on_event=events.append, strict=True)
    manager.add(Signup)
    return manager


@pytest.fixture
def visit(
    visitors: Visitors[object], manager: ExperimentManager
) -> Callable[..., tuple[RequestExperiments, RequestVisitor]]:
    def visit(
        cookie: str | None = None, *, subjects: Any = None, **more: Any
    ) -> tuple[RequestExperiments, RequestVisitor]:
        visitor = RequestVisitor(visitors, request(cookie, **more), clock=lambda: NOW)
        return RequestExperiments(manager, lambda: subjects, visitor=visitor), visitor

    return visit


Visit = Callable[..., tuple[RequestExperiments, RequestVisitor]]


def test_a_visitor_is_made_when_an_experiment_asks_and_is_the_same_from_then_on(
    visit: Visit, events: list[Event], visitors: Visitors[object]
) -> None:
    experiments, visitor = visit()
    assert experiments[Signup] == "github"
    experiments.log_exposure(Signup)
    told = visitor.begin_response()
    assert told is not None
    again, visitor = visit(told.cookies["abkit_visitor"])
    again.log_exposure(Signup)
    answer = visitor.begin_response()
    assert answer is not None
    assert answer.cookies == {}
    first, second = events
    assert isinstance(first, Exposure)
    assert isinstance(second, Exposure)
    assert first.unit_id == second.unit_id == again.visitor_id
    assert is_visitor_id(first.unit_id)
    assert visitors.stats == VisitorStats(made=1)


def test_who_does_not_ask_gets_no_cookie_and_depends_on_nothing(
    visit: Visit, visitors: Visitors[object]
) -> None:
    for cookie in (None, SIGNER.write(new_visitor_id(), now=NOW)):
        experiments, visitor = visit(cookie)
        assert (experiments.visitor_id is None) == (cookie is None)
        experiments.track("looked")
        experiments.identify(user=7)
        assert visitor.begin_response() is None
    assert visitors.stats == VisitorStats(untracked=1)


def test_a_payload_without_experiments_on_visitors_depends_on_no_visitor(
    visit: Visit, manager: ExperimentManager
) -> None:
    class Buttons(UserExperiment):
        variants = {"a": 0.5, "b": 0.5}

    manager.add(Buttons)
    experiments, visitor = visit(subjects={"user": 7})
    assert [*experiments.payload(only=Buttons)] == ["Buttons", "$only"]
    assert visitor.begin_response() is None
    experiments, visitor = visit(subjects={"user": 7})
    assert {*experiments.payload()} == {"Buttons", "Signup"}
    assert visitor.begin_response() is not None


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "v-" + "0" * 32,
        "v-" + "0" * 32 + ".20000." + "0" * 32,
        SIGNER.write("v-" + "0" * 32, now=NOW)[:-1],
        VisitorCookieSigner("another site's").write("v-" + "0" * 32, now=NOW),
        "é\ud800\x00" * 30,
        "x" * 8_192,
    ],
    ids=["empty", "bare id", "forged", "truncated", "another key", "no ASCII", "8 KB"],
)
def test_who_has_a_cookie_that_is_not_ours_is_a_new_visitor_and_counted(
    cookie: str, visit: Visit, visitors: Visitors[object]
) -> None:
    experiments, visitor = visit(cookie)
    experiments.identify(user=7)
    assert experiments[Signup] == "github"
    told = visitor.begin_response()
    assert told is not None
    visitor_id = SIGNER.read(told.cookies["abkit_visitor"])
    assert visitor_id == experiments.visitor_id != "v-" + "0" * 32
    assert visitors.stats == VisitorStats(made=1, forged=1)


@pytest.mark.parametrize(
    ("max_age", "age", "renewed"),
    [(730, 29, False), (730, 30, True), (7, 3, False), (7, 4, True), (1, 0, False), (1, 1, True)],
)
def test_a_cookie_is_written_anew_before_it_ends(
    manager: ExperimentManager, max_age: int, age: int, *, renewed: bool
) -> None:
    visitors: Visitors[object] = Visitors(max_age=timedelta(days=max_age))
    visitor_id = new_visitor_id()
    about = request(SIGNER.write(visitor_id, now=NOW))
    visitor = RequestVisitor(visitors, about, clock=lambda: NOW + age * DAY)
    experiments = RequestExperiments(manager, lambda: None, visitor=visitor)
    assert experiments[Signup] == "github"
    told = visitor.begin_response()
    assert told is not None
    assert bool(told.cookies) is renewed
    assert all(SIGNER.read(value) == visitor_id for value in told.cookies.values())


def test_with_a_new_secret_both_cookies_are_written_anew(
    manager: ExperimentManager, visitors: Visitors[object]
) -> None:
    visitor_id = new_visitor_id()
    kept = KeptVariants(visitor_id, None, lambda: SIGNER)
    kept.keep("Signup", "github")
    rotated = VisitorCookieSigner("new", "secret")
    about = request(
        SIGNER.write(visitor_id, now=NOW), variants_cookie=kept.written(), signer=lambda: rotated
    )
    visitor = RequestVisitor(visitors, about, clock=lambda: NOW)
    assert RequestExperiments(manager, lambda: None, visitor=visitor)[Signup] == "github"
    told = visitor.begin_response()
    assert told is not None
    only_new = VisitorCookieSigner("new")
    assert only_new.read(told.cookies["abkit_visitor"]) == visitor_id
    again = KeptVariants(visitor_id, told.cookies["abkit_visitor_variants"], lambda: only_new)
    assert again.variants == {"Signup": "github"}


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({"user_agent": GOOGLE}, "bots"),
        ({"consents": lambda: False}, "without_consent"),
        ({"consents": lambda: None}, "without_consent"),
    ],
)
def test_who_must_not_be_recognized_gets_the_control_and_is_never_exposed(
    visit: Visit,
    visitors: Visitors[object],
    events: list[Event],
    more: dict[str, Any],
    count: str,
) -> None:
    for cookie in (None, SIGNER.write(new_visitor_id(), now=NOW)):
        experiments, visitor = visit(cookie, subjects={"user": 7}, **more)
        assignment = experiments.assign(Signup)
        assert (assignment.variant, assignment.reason) == ("form", Reason.NOT_ENROLLED)
        experiments.log_exposure(Signup)
        experiments.identify()
        assert experiments.payload()["Signup"]["unitId"] == ""
        assert visitor.begin_response() is not None
    assert events == []
    assert visitors.stats == VisitorStats(**{count: 2})


def test_all_cookies_of_who_consents_no_more_are_deleted(visit: Visit) -> None:
    cookie = SIGNER.write(new_visitor_id(), now=NOW)
    for sent in (
        {"cookie": cookie},
        {"variants_cookie": "x"},
        {"cookie": "x", "variants_cookie": ""},
    ):
        experiments, visitor = visit(**sent, consents=lambda: False)
        assert experiments[Signup] == "form"
        told = visitor.begin_response()
        assert told is not None
        assert told.cookies == {
            {"cookie": "abkit_visitor", "variants_cookie": "abkit_visitor_variants"}[name]: ""
            for name in sent
        }


@pytest.mark.parametrize(
    ("attributes", "variant", "reason"),
    [
        ({"winner": "github"}, "github", Reason.INACTIVE),
        ({"winner": "github", "holdouts": [Holdout("all", 1)]}, "github", Reason.INACTIVE),
        ({"winner": "github", "enabled": False}, "form", Reason.INACTIVE),
        ({"enabled": False}, "form", Reason.INACTIVE),
        ({"starts": "2999-01-01"}, "form", Reason.INACTIVE),
        ({"holdouts": [Holdout("all", 1)]}, "form", Reason.NOT_ENROLLED),
        ({"sticky": True}, "form", Reason.NOT_ENROLLED),
    ],
)
def test_what_is_in_force_for_all_is_so_for_bots(
    visit: Visit,
    manager: ExperimentManager,
    events: list[Event],
    attributes: dict[str, Any],
    variant: str,
    reason: Reason,
) -> None:
    manager.add(type("Other", (VisitorExperiment,), {"variants": ["form", "github"], **attributes}))
    experiments, _ = visit(user_agent=GOOGLE)
    assignment = experiments.assign("Other")
    assert (assignment.variant, assignment.reason) == (variant, reason)
    experiments.log_exposure("Other")
    assert "exposesToHoldout" not in experiments.payload()["Other"]
    assert events == []


def test_a_forced_variant_is_for_bots_too_and_exposes_nobody(
    visit: Visit, events: list[Event]
) -> None:
    for user_agent in (GOOGLE, CHROME):
        experiments, _ = visit(user_agent=user_agent)
        with force(Signup, "github"):
            assert experiments.assign(Signup).reason is Reason.FORCED
            experiments.log_exposure(Signup)
    assert events == []


@pytest.mark.parametrize(
    ("own", "unit_id"),
    [("ga-1", "ga-1"), (17, "17"), (SimpleNamespace(id=5), "5")],
)
def test_an_id_of_the_applications_own_needs_no_cookie_and_no_secret(
    visit: Visit, events: list[Event], own: object, unit_id: str
) -> None:
    experiments, visitor = visit(own_id=lambda: own, signer=signer_of)
    experiments.log_exposure(Signup)
    told = visitor.begin_response()
    assert told is not None
    assert told.cookies == {}
    (event,) = events
    assert isinstance(event, Exposure)
    assert event.unit_id == unit_id


def test_without_an_id_of_the_applications_own_there_is_no_visitor(
    visit: Visit, events: list[Event]
) -> None:
    experiments, _ = visit(SIGNER.write(new_visitor_id(), now=NOW), own_id=lambda: None)
    assert experiments.assign(Signup).reason is Reason.NOT_ENROLLED
    assert events == []


def no_secret() -> VisitorCookieSigner:
    return signer_of()


def fails() -> object:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"own_id": dict}, "`visitor` must return the visitor's id or None"),
        ({"own_id": lambda: True}, "a bool"),
        ({"own_id": fails}, "ZeroDivisionError"),
        ({"consents": fails}, "ZeroDivisionError"),
        ({"signer": no_secret}, "needs a secret"),
        ({"signer": no_secret, "cookie": "x"}, "needs a secret"),
    ],
    ids=["a dict", "a bool", "visitor fails", "consent fails", "no secret", "no secret, a cookie"],
)
def test_what_fails_gives_the_default_and_is_told_by_the_manager(
    visit: Visit, visitors: Visitors[object], more: dict[str, Any], why: str
) -> None:
    strict, _ = visit(**more)
    with pytest.raises(MissingSubjectError, match=f"Signup: visitor= cannot be recognized.*{why}"):
        strict.get(Signup)
    lenient = ExperimentManager(strict=False)
    lenient.add(Signup)
    visitor = RequestVisitor(visitors, request(**more))
    experiments = RequestExperiments(lenient, lambda: {"user": 7}, visitor=visitor)
    experiments.identify()
    assert experiments[Signup] == "form"
    experiments.log_exposure(Signup)
    assert experiments.payload()["Signup"]["reason"] == "error"
    assert lenient.errors["Signup", "MissingSubjectError"] == 2
    assert visitors.stats == VisitorStats(failed=2, forged=0)


def test_what_is_first_asked_when_the_response_has_begun_is_not_enrolled(
    visit: Visit, visitors: Visitors[object], events: list[Event]
) -> None:
    for cookie in (None, SIGNER.write(new_visitor_id(), now=NOW)):
        experiments, visitor = visit(cookie)
        assert visitor.begin_response() is None
        assert experiments.assign(Signup).reason is Reason.NOT_ENROLLED
        experiments.log_exposure(Signup)
    assert events == []
    assert visitors.stats == VisitorStats(too_late=2)
    experiments, visitor = visit()
    assert experiments[Signup] == "github"
    visitor.begin_response()
    experiments.log_exposure(Signup)
    assert len(events) == 1


def test_the_visitor_and_the_user_of_a_request_are_told_once(
    visit: Visit, events: list[Event]
) -> None:
    visitor_id = new_visitor_id()
    experiments, visitor = visit(SIGNER.write(visitor_id, now=NOW), subjects={"actor": 7})
    for _ in range(2):
        experiments.identify()
    experiments.track("signed up")
    identity, action = events
    assert isinstance(identity, Identity)
    assert isinstance(action, Action)
    assert (identity.from_id, identity.to_type, identity.to_id) == (visitor_id, "user", "7")
    assert (action.user_id, action.groups) == ("7", {"visitor": visitor_id})
    assert visitor.begin_response() is None


def test_a_visitor_among_the_subjects_is_the_one(visit: Visit, events: list[Event]) -> None:
    experiments, visitor = visit(subjects={"visitor": "ga-1", "user": 7})
    experiments.log_exposure(Signup)
    experiments.identify()
    exposure, identity = events
    assert isinstance(exposure, Exposure)
    assert isinstance(identity, Identity)
    assert exposure.unit_id == identity.from_id == "ga-1"
    told = visitor.begin_response()
    assert told is not None
    assert (told.cookies, told.headers({})["Cache-Control"]) == ({}, "private")


def test_subjects_that_fail_at_the_end_of_a_request_break_nothing(
    visitors: Visitors[object],
) -> None:
    def subjects() -> dict[str, object]:
        raise KeyError("org")

    lenient = ExperimentManager(strict=False)
    about = request(SIGNER.write(new_visitor_id(), now=NOW))
    visitor = RequestVisitor(visitors, about)
    RequestExperiments(lenient, subjects, visitor=visitor).identify()
    assert lenient.errors == {("identify", "MissingSubjectError"): 1}
    strict = RequestExperiments(ExperimentManager(strict=True), subjects, visitor=visitor)
    with pytest.raises(MissingSubjectError, match=r"subjects raises KeyError: 'org'"):
        strict.identify()


def test_ten_thousand_requests_without_cookies_are_visitors_of_bounded_memory(
    manager: ExperimentManager, visitors: Visitors[object]
) -> None:
    sink, dedup = MemorySink(), MemoryDedup(max_keys=1_000)
    with ExposureLogger(sink, dedup=dedup) as manager.on_event:
        for _ in range(10_000):
            visitor = RequestVisitor(visitors, request())
            RequestExperiments(manager, lambda: None, visitor=visitor).log_exposure(Signup)
    assert len({each.unit_id for each in sink.exposures}) == len(sink.exposures) == 10_000
    assert visitors.stats == VisitorStats(made=10_000)
    assert len(dedup) <= 1_000


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"cookie": ""}, "a name such as"),
        ({"cookie": "a b"}, "a name such as"),
        ({"cookie": "a;b"}, "a name such as"),
        ({"cookie": "besök"}, "a name such as"),
        ({"cookie": "abkit"}, "forced variants"),
        ({"domain": ""}, "such as 'example.com', not ''"),
        ({"domain": "https://example.com"}, "such as 'example.com'"),
        ({"domain": "example.com", "cookie": "__Host-who"}, "begin the name with '__Secure-'"),
        ({"domain": "example.com:8000"}, "such as 'example.com'"),
        ({"max_age": timedelta(hours=1)}, "a day or more"),
        ({"max_age": 3_600}, "a day or more, such as timedelta"),
        ({"secrets": "a text, whose first letter would be the secret"}, "a list of texts"),
        ({"secrets": ("",)}, "not empty"),
        ({"secrets": (None, "former")}, "not empty"),
    ],
)
def test_what_cannot_be_is_refused_at_the_start(arguments: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        Visitors(**arguments)


def test_a_configuration_says_how_visitors_are_recognized() -> None:
    assert "by the cookie 'who'" in repr(Visitors(cookie="who"))
    assert "an id of the application's own" in repr(Visitors(visitor=lambda _: 1))


def test_bots_are_known_by_what_they_call_themselves() -> None:
    for user_agent in (GOOGLE, "curl/8.5.0", "python-requests/2.32", "HeadlessChrome/140.0"):
        assert is_bot(user_agent)
    for other in (None, "", CHROME, "Werkzeug/3.1"):
        assert not is_bot(other)


@pytest.mark.parametrize(
    ("cache_control", "vary", "expected"),
    [
        ("", "", ("private", "Cookie")),
        ("public, max-age=60", "Accept", ("private, max-age=60", "Accept, Cookie")),
        ("Public, S-MaxAge=60, max-age=5", "cookie", ("private, max-age=5", "cookie")),
        ("no-store", "Accept, COOKIE, Origin", ("no-store", "Accept, COOKIE, Origin")),
        ("Private", "*", ("Private", "*")),
        (
            'private="Set-Cookie", max-age=5',
            "Accept, *",
            ('private, private="Set-Cookie", max-age=5', "Accept, *"),
        ),
        ("no-cache", ",, Accept ,", ("private, no-cache", "Accept, Cookie")),
    ],
)
def test_no_shared_cache_keeps_what_depended_on_the_visitor(
    cache_control: str, vary: str, expected: tuple[str, str]
) -> None:
    headers = VisitorResponse({}).headers({"Cache-Control": cache_control, "Vary": vary})
    assert (headers["Cache-Control"], headers["Vary"]) == expected


@given(
    st.lists(st.sampled_from(["public", "s-maxage=9", "max-age=9", "no-cache", "PRIVATE"])),
    st.lists(st.sampled_from(["Accept", "cookie", "Cookie", "Origin"])),
)
def test_headers_that_are_right_stay_as_they_are(control: list[str], vary: list[str]) -> None:
    before = {"Cache-Control": ", ".join(control), "Vary": ",".join(vary)}
    once = VisitorResponse({}).headers(before)
    assert VisitorResponse({}).headers(once) == once
    directives = once["Cache-Control"].lower().split(", ")
    assert "private" in directives
    assert not {"public", "s-maxage=9"} & {*directives}
    assert "cookie" in once["Vary"].lower()


@pytest.mark.parametrize("user", [SimpleNamespace(id=None), "", [7], True])
def test_a_user_without_an_id_is_told_of(user: object, visitors: Visitors[object]) -> None:
    """Such as one who signs up and is not saved yet: their actions would silently be nobody's."""
    manager = ExperimentManager(on_event=lambda _: None, strict=False)
    visitor = RequestVisitor(visitors, request(), clock=lambda: NOW)
    experiments = RequestExperiments(manager, lambda: None, visitor=visitor)
    experiments.identify(user=user)
    assert manager.errors == {}  # there is no visitor who could be that user
    visitor.subject()
    experiments.identify(user=user)
    assert manager.errors == {("identify", "MissingSubjectError"): 1}


def test_the_threads_of_one_request_are_of_one_visitor() -> None:
    visitors: Visitors[object] = Visitors()
    is_asking, may_answer = threading.Event(), threading.Event()

    def consents() -> bool:
        is_asking.set()
        return may_answer.wait(5)

    value = SIGNER.write(new_visitor_id(), now=NOW)
    visitor = RequestVisitor(visitors, request(value, consents=consents), clock=lambda: NOW)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(visitor.subject)
        assert is_asking.wait(5)
        second = threads.submit(visitor.subject)
        wait([second], timeout=0.05)
        may_answer.set()
        assert {first.result(), second.result()} == {SIGNER.read(value)}
    assert visitors.stats == VisitorStats()


def test_of_several_cookies_of_one_name_the_applications_own_counts(
    visitors: Visitors[object],
) -> None:
    """The browser sends first what another host has written for the whole domain."""
    visitor_id = new_visitor_id()
    own, old = (SIGNER.write(visitor_id, now=NOW - days * DAY) for days in (0, 31))
    other = VisitorCookieSigner("another's").write(new_visitor_id(), now=NOW)
    kept = KeptVariants(visitor_id, None, lambda: SIGNER)
    kept.keep("Signup", "form")
    variants = ("another's", kept.written())

    def told(*values: str) -> tuple[object, Mapping[str, str]]:
        cookies = [
            *(f"abkit_visitor={each}" for each in values),
            *(f"abkit_visitor_variants={each}" for each in variants),
        ]
        about = request(values[0], variants_cookie=variants[0], cookie_header="; ".join(cookies))
        visitor = RequestVisitor(visitors, about, clock=lambda: NOW)
        found, response = visitor.subject(), visitor.begin_response()
        assert response is not None
        return found, response.cookies

    assert told(other, own) == told(own, other) == told(old, own) == (visitor_id, {})
    found, written = told(other, old)
    assert (found, written) == (
        visitor_id,
        {"abkit_visitor": own, "abkit_visitor_variants": variants[1]},
    )
    assert visitors.stats == VisitorStats()
    assert told(other, other)[0] != visitor_id
    assert visitors.stats == VisitorStats(made=1, forged=1)


def test_no_cookie_is_verified_twice(visitors: Visitors[object]) -> None:
    class CountingSigner(VisitorCookieSigner):
        def read(self, value: str) -> str | None:
            verified.append(value)
            return super().read(value)

    verified: list[str] = []
    old = SIGNER.write(new_visitor_id(), now=NOW - 31 * DAY)
    for cookie in ("forged", old):
        header = f"abkit_visitor={cookie}; abkit_visitor=another's; abkit_visitor={cookie}"
        about = request(cookie, cookie_header=header, signer=lambda: CountingSigner("secret"))
        RequestVisitor(visitors, about, clock=lambda: NOW).subject()
        assert verified == [cookie, "another's"]
        verified.clear()


def test_other_cookies_are_not_looked_for_where_the_first_one_is_ours() -> None:
    visitor_id = new_visitor_id()
    kept = KeptVariants(visitor_id, None, lambda: SIGNER)
    kept.keep("Signup", "form")
    others = iter(["another's"])
    again = KeptVariants(visitor_id, kept.written(), lambda: SIGNER, more=others)
    assert again.variants == {"Signup": "form"}
    assert [*others] == ["another's"]
