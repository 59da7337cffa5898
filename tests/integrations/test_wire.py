"""What comes over the wire: bodies, origins, and the reading of streams."""

import json
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.integrations.wire import (
    Answer,
    MalformedError,
    Message,
    RequestHead,
    Sent,
    parse,
    read_at_most,
)
from abkit.request_origin import is_same_origin

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["experiment", "unitType", "exposures", "x"]), inner)
    ),
)
SENT = st.builds(
    Sent,
    experiment=st.text(min_size=1),
    unit_type=st.text(min_size=1),
    unit_id=st.text(min_size=1),
    variant=st.none()
    | st.text()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False),
)


def as_json(sent: Sent) -> dict[str, Any]:
    claim = {
        "experiment": sent.experiment,
        "unitType": sent.unit_type,
        "unitId": sent.unit_id,
        "variant": sent.variant,
    }
    return {name: value for name, value in claim.items() if value is not None}


@given(st.lists(SENT, min_size=1, max_size=5), st.none() | st.text())
def test_what_is_right_is_read_as_it_was_sent(sent: list[Sent], token: str | None) -> None:
    body: dict[str, Any] = {"exposures": [as_json(each) for each in sent]}
    if token is not None:
        body["csrfToken"] = token
    message = Message(exposures=tuple(sent), is_batch=True, csrf_token=token)
    assert parse(json.dumps(body).encode(), max_batch=5) == message
    alone = json.dumps({**as_json(sent[0]), "csrfToken": token}).encode()
    message = Message(exposures=(sent[0],), is_batch=False, csrf_token=token)
    assert parse(alone, max_batch=5) == message


@given(st.binary() | ANYTHING.map(lambda found: json.dumps(found).encode()))
def test_anything_else_is_malformed_and_nothing_worse(body: bytes) -> None:
    with pytest.raises(MalformedError):
        parse(body, max_batch=5)


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({}, True),
        ({"origin": "https://shop.example"}, True),
        ({"origin": "https://shop.example:8443"}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "https://shop.example.evil.example"}, False),
        ({"origin": "https://shop.example@evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"origin": "https://[evil"}, False),
        ({"origin": "https://partner.example"}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site", "origin": "https://shop.example"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://shop.example"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://partner.example"}, True),
    ],
)
def test_only_pages_of_this_site_and_trusted_ones_may_send(
    headers: dict[str, str], *, same: bool
) -> None:
    found = {"host": "shop.example", **headers}
    assert is_same_origin(found, {"https://partner.example"}) is same


def test_behind_a_proxy_the_pages_host_is_the_forwarded_one() -> None:
    inside = {"host": "127.0.0.1:8000", "x-forwarded-host": "shop.example"}
    assert is_same_origin({**inside, "origin": "https://shop.example"}, ())
    assert not is_same_origin({**inside, "origin": "https://evil.example"}, ())
    assert not is_same_origin({**inside, "x-forwarded-host": "", "origin": "null"}, ())
    other_site = {"origin": "https://shop.example", "sec-fetch-site": "cross-site"}
    assert not is_same_origin({**inside, **other_site}, ())


def test_without_a_host_no_origin_is_the_same() -> None:
    assert not is_same_origin({"origin": "null"}, ())
    assert not is_same_origin({"origin": "null", "host": ""}, ())


@given(st.binary(max_size=50), st.integers(min_value=1, max_value=40))
def test_a_stream_is_read_as_far_as_the_limit_in_whatever_pieces(body: bytes, limit: int) -> None:
    stream = BytesIO(body)
    read = read_at_most(lambda size: stream.read(min(size, 7)), limit)
    assert read == (body if len(body) <= limit else None)
    assert stream.tell() <= limit + 1


def test_headers_have_no_case() -> None:
    assert RequestHead(method="POST", headers={"Content-TYPE": "x"}).headers == {
        "content-type": "x"
    }
    assert RequestHead(method="POST", headers=[("Host", "x")]).headers == {"host": "x"}


def test_an_answer_is_json_or_empty() -> None:
    assert Answer(204).body == b""
    assert "Content-Type" not in Answer(204).headers
    assert Answer(400, {"error": "ü"}).body == rb'{"error": "\u00fc"}'
    assert Answer(405, {}, {"Allow": "POST"}).headers["Allow"] == "POST"
