"""What the log-exposure endpoint of every framework must keep. The session is org 42's and user 7's."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

import pytest
from attrs import frozen

from abkit import ExperimentManager, ExposureLogger
from abkit.events import Event, Exposure
from abkit.integrations.endpoint import PATH, LogExposureEndpoint
from abkit.sinks.memory import MemorySink

from .declared import other

PLUGINS = {"experiment": "ShowPlugins", "unitType": "org", "unitId": "42"}
BUTTONS = {"experiment": "Buttons", "unitType": "user", "unitId": "7"}
SCRIPT = "<script>alert(1)</script>"
MEGABYTES = b'{"experiment": "' + b"A" * 10_000_000 + b'"}'


@frozen
class Reply:
    status: int
    headers: Mapping[str, str]
    text: str


class Browser(Protocol):
    """A page of the application, in a browser that is signed in unless it is told otherwise."""

    events: list[Event]
    manager: ExperimentManager
    endpoint: LogExposureEndpoint

    def send(
        self,
        body: bytes,
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        signed_in: bool = True,
        path: str = PATH,
    ) -> Reply: ...


def says(content: object) -> bytes:
    return json.dumps(content).encode()


MALFORMED = {
    "empty": b" ",
    "no JSON": b"exposure!",
    "cut off": says(PLUGINS)[:-1],
    "no UTF-8": b'{"experiment": "\xff"}',
    "UTF-16": says(PLUGINS).decode().encode("utf-16"),
    "a list": says([PLUGINS]),
    "a text": b'"ShowPlugins"',
    "null": b"null",
    "NaN": b'{"experiment": "ShowPlugins", "unitType": "org", "unitId": "42", "variant": NaN}',
    "a huge number": says(PLUGINS)[:-1] + b', "variant": ' + b"9" * 10_000 + b"}",
    "nested lists": b"[" * 60_000,
    "nested objects": b'{"exposures":' * 4_000,
    "a name twice": b'{"experiment": "ShowPlugins", "unitType": "org", "unitId": "42", "unitId": "43"}',
    "no experiment": says({**PLUGINS, "experiment": None}),
    "an empty experiment": says({**PLUGINS, "experiment": ""}),
    "a list of experiments": says({**PLUGINS, "experiment": ["ShowPlugins"]}),
    "a number as the unit": says({**PLUGINS, "unitId": 42}),
    "true as the unit": says({**PLUGINS, "unitId": True}),
    "an object as the unit": says({**PLUGINS, "unitId": {"id": "42"}}),
    "no unit": says({"experiment": "ShowPlugins"}),
    "an object as the variant": says({**PLUGINS, "variant": {"$ne": None}}),
    "an unknown field": says({**PLUGINS, SCRIPT: 1}),
    "a token that is no text": says({**PLUGINS, "csrfToken": ["x"]}),
    "another type of unit": says({**PLUGINS, "unitType": "user"}),
    "an empty batch": says({"exposures": []}),
    "a batch of 101": says({"exposures": [PLUGINS] * 101}),
    "a batch that is none": says({"exposures": PLUGINS}),
    "a batch of names": says({"exposures": ["ShowPlugins"]}),
    "a batch in a batch": says({"exposures": [{"exposures": [PLUGINS]}]}),
    "a batch and one": says({"exposures": [PLUGINS], **BUTTONS}),
    "one of a batch": says({"exposures": [PLUGINS, {**BUTTONS, "unitId": 7}]}),
}


class EndpointContract:
    """Inherit it, and give the fixture `browser`."""

    @pytest.fixture
    def browser(self) -> Browser:
        raise NotImplementedError

    def test_what_was_shown_is_logged(self, browser: Browser) -> None:
        reply = browser.send(says(PLUGINS))
        assert (reply.status, reply.text) == (204, "")
        (exposure,) = exposures(browser)
        assert (exposure.experiment, exposure.unit_type, exposure.unit_id) == (
            "ShowPlugins",
            "org",
            "42",
        )
        assert exposure.variant == browser.manager.get("ShowPlugins", org="42")
        assert exposure.user_id == "7"
        assert browser.endpoint.stats.logged == 1

    @pytest.mark.parametrize("path", [PATH, PATH.removesuffix("/")])
    def test_the_path_is_answered_with_and_without_its_last_slash(
        self, browser: Browser, path: str
    ) -> None:
        assert browser.send(says(PLUGINS), path=path).status == 204
        assert len(exposures(browser)) == 1

    def test_the_variant_is_the_servers_whatever_the_browser_says(self, browser: Browser) -> None:
        right = browser.manager.get("ShowPlugins", org="42")
        assert browser.send(says({**PLUGINS, "variant": right})).status == 204
        assert browser.endpoint.stats.mismatched == 0
        assert browser.send(says({**PLUGINS, "variant": other(right)})).status == 204
        assert browser.endpoint.stats.mismatched == 1
        assert [exposure.variant for exposure in exposures(browser)] == [right, right]

    def test_however_often_it_is_sent_it_is_delivered_once(self, browser: Browser) -> None:
        sink = MemorySink()
        with ExposureLogger(sink) as logger:
            browser.manager.on_event = logger
            assert {browser.send(says(PLUGINS)).status for _ in range(10)} == {204}
        assert len(sink.exposures) == 1

    def test_a_beacon_is_taken_as_text(self, browser: Browser) -> None:
        reply = browser.send(says(PLUGINS), content_type="text/plain;charset=UTF-8")
        assert reply.status == 204
        assert len(browser.events) == 1

    def test_a_page_has_experiments_on_several_units(self, browser: Browser) -> None:
        reply = browser.send(says({"exposures": [PLUGINS, BUTTONS]}))
        assert (reply.status, reply.text) == (204, "")
        units = [(exposure.unit_type, exposure.unit_id) for exposure in exposures(browser)]
        assert units == [("org", "42"), ("user", "7")]

    def test_a_batch_of_which_some_is_refused_says_which(self, browser: Browser) -> None:
        batch = [PLUGINS, {**PLUGINS, "unitId": "43"}, {**PLUGINS, "experiment": "Gone"}, BUTTONS]
        reply = browser.send(says({"exposures": batch}))
        assert reply.status == 200
        results = json.loads(reply.text)["results"]
        assert [result["status"] for result in results] == [204, 403, 404, 204]
        assert len(browser.events) == 2
        assert browser.endpoint.stats.refused == 2

    def test_a_batch_of_which_all_is_refused_is_an_error(self, browser: Browser) -> None:
        for size in (1, 2):
            reply = browser.send(says({"exposures": [{**PLUGINS, "unitId": "43"}] * size}))
            assert reply.status == 403
            assert len(json.loads(reply.text)["results"]) == size
        assert browser.events == []

    @pytest.mark.parametrize("experiment", ["Ramping", "Chosen"])
    def test_units_that_are_forced_or_not_enrolled_are_skipped(
        self, browser: Browser, experiment: str
    ) -> None:
        assert browser.send(says({**PLUGINS, "experiment": experiment})).status == 204
        assert browser.events == []
        assert browser.endpoint.stats.skipped == 1

    @pytest.mark.parametrize(
        "unit", ["43", "4", "042", "42 ", "42\0", "\ud800", "' OR 1=1", SCRIPT]
    )
    def test_the_unit_of_somebody_else_is_refused(self, browser: Browser, unit: str) -> None:
        self.assert_refused(browser, 403, says({**PLUGINS, "unitId": unit}))

    @pytest.mark.parametrize("name", ["Gone", "showplugins", "__class__", "\0", "\ud800", SCRIPT])
    def test_an_unknown_experiment_is_refused(self, browser: Browser, name: str) -> None:
        self.assert_refused(browser, 404, says({**PLUGINS, "experiment": name}))

    @pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
    def test_a_malformed_body_is_refused_as_a_whole(self, browser: Browser, body: bytes) -> None:
        self.assert_refused(browser, 400, body)

    def test_who_is_not_signed_in_is_refused(self, browser: Browser) -> None:
        self.assert_refused(browser, 401, says(PLUGINS), signed_in=False)

    def test_a_body_of_ten_megabytes_is_refused(self, browser: Browser) -> None:
        self.assert_refused(browser, 413, MEGABYTES)

    @pytest.mark.parametrize("kind", ["text/html", "application/x-www-form-urlencoded", "json"])
    def test_another_type_of_content_is_refused(self, browser: Browser, kind: str) -> None:
        self.assert_refused(browser, 415, says(PLUGINS), content_type=kind)

    def test_a_form_is_refused(self, browser: Browser) -> None:
        form = b"--x\r\nContent-Disposition: form-data; name=experiment\r\n\r\nShowPlugins\r\n--x--\r\n"
        self.assert_refused(browser, 415, form, content_type="multipart/form-data; boundary=x")

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_only_post_is_taken(self, browser: Browser, method: str) -> None:
        reply = browser.send(says(PLUGINS), method=method)
        assert reply.status == 405
        assert "POST" in reply.headers["allow"]
        assert browser.events == []

    def assert_refused(self, browser: Browser, status: int, body: bytes, **options: Any) -> None:
        """Nothing is logged, and the answer is JSON that repeats nothing of what was sent."""
        reply = browser.send(body, **options)
        assert reply.status == status
        assert json.loads(reply.text)["error"]
        assert "script" not in reply.text
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert browser.events == []
        assert browser.endpoint.stats.refused == 1


def exposures(browser: Browser) -> list[Exposure]:
    return [event for event in browser.events if isinstance(event, Exposure)]
