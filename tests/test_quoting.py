"""What others say is quoted on one line and without secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.quoting import masked, quoted, told, url_secrets


@given(st.text(max_size=500), st.integers(3, 400))
def test_a_quotation_is_one_printable_line_and_quoting_twice_is_quoting_once(
    text: str, longest: int
) -> None:
    line = quoted(text, longest)
    assert line.isprintable()
    assert len(line.splitlines()) <= 1
    assert len(line) <= longest
    assert quoted(line, longest) == line


def test_what_can_be_printed_stays_and_the_rest_is_escaped() -> None:
    assert quoted("größer\n\n  Zoë 🦊\x1b[31m\x00\u202e\ud800\x9b") == (
        r"größer Zoë 🦊\x1b[31m\x00\u202e\ud800\x9b"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pw@host/x", "https://me:***@host/x"),
        ("https://token@host", "https://***@host"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("postgresql://me:p@ss@host/db?password=p&sslmode=require", None),
        ("postgresql://me:p/ss@host/db", "postgresql://me:***@host/db"),
        ("redis://:pw@host:6379/0?db=1", "redis://:***@host:6379/0?db=1"),
        ("s3://AKIA12345:pw@bucket/events", "s3://***@bucket/events"),
        ("s3://bucket/events/2024-05-01", "s3://bucket/events/2024-05-01"),
        (
            "https://hooks.example.com/services/T00000001/B00000002/aBcD1234",
            "https://hooks.example.com/services/***/***/***",
        ),
        ("https://host/hook?sig=1&x=2", "https://host/hook?sig=***&x=***"),
        ("https://api2.amplitude.com/2/httpapi", "https://api2.amplitude.com/2/httpapi"),
        ("host=x password='a b' dbname=y", "host=x password=*** dbname=y"),
        ('{"api_key": "0a1b2c3d", "code": 400}', '{"api_key": ***, "code": 400}'),
        ("Authorization: Bearer aB3-xyz", "Authorization: Bearer ***"),
        ("Basic authentication is required", "Basic authentication is required"),
        ("password authentication failed", "password authentication failed"),
        ("invalid token: expected a number", "invalid token: expected a number"),
    ],
)
def test_secrets_are_hidden_and_nothing_else(text: str, shown: str | None) -> None:
    expected = shown or "postgresql://me:***@host/db?password=***&sslmode=require"
    assert masked(text) == expected
    assert masked(expected) == expected


def test_what_is_known_to_be_secret_is_hidden_in_every_form() -> None:
    assert masked("p@ssword p%40ssword abc", ["p@ssword", "abc"]) == "*** *** abc"


def test_an_error_is_told_with_its_type() -> None:
    assert told(OSError("no\nway to http://me:secret@host")) == (
        "OSError: no way to http://me:***@host"
    )


def test_the_secrets_of_a_url_are_its_user_its_path_and_its_values() -> None:
    secrets = url_secrets("https://me:word@host/hook/abc123?sig=zz99")
    said = "No route /hook/abc123?sig=zz99 for me:word; abc123, zz99"
    assert masked(said, secrets) == "No route *** for ***; ***, ***"


@given(st.text(max_size=300))
def test_masking_never_fails_and_is_stable(text: str) -> None:
    assert masked(masked(text)) == masked(text)
