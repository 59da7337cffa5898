"""The visitor's cookie: what is written is read, and nothing else."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import ConfigError
from abkit.experiments.declaring.identities import is_visitor_id, new_visitor_id
from abkit.integrations.visitors.cookie import VisitorCookieSigner
from abkit.integrations.visitors.kept_variants import KeptVariants

DAY = 86_400
NOW = 20_000.5 * DAY
VISITOR = "v-" + "0123456789abcdef" * 2
SIGNER = VisitorCookieSigner("secret")
WRITTEN = SIGNER.write(VISITOR, now=NOW)


@given(st.text(min_size=1) | st.binary(min_size=1), st.floats(0, 1e11))
def test_what_is_written_is_read_and_needs_no_quotes(secret: str | bytes, now: float) -> None:
    visitor_id = new_visitor_id()
    value = VisitorCookieSigner(secret).write(visitor_id, now=now)
    assert VisitorCookieSigner(secret).read(value) == visitor_id
    assert VisitorCookieSigner(secret).is_current(value, now=now, days=1.5)
    assert {*value} <= {*"v-.0123456789abcdef"}


@given(st.text() | st.text("v-.0123456789abcdef", max_size=100))
def test_what_was_not_written_is_nobody(value: str) -> None:
    assert SIGNER.read(value) is None
    assert SIGNER.read(WRITTEN[:-32] + value) is None


@given(st.data())
def test_a_change_of_any_character_is_noticed(data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(WRITTEN) - 1))
    other = st.sampled_from("v-.0123456789abcdefABCDEF") | st.characters()
    character = data.draw(other.filter(lambda each: each != WRITTEN[position]))
    assert SIGNER.read(WRITTEN[:position] + character + WRITTEN[position + 1 :]) is None


@given(st.integers(0, len(WRITTEN) - 1), st.text(min_size=1))
def test_a_part_of_it_is_nobody_and_so_is_more_than_it(length: int, more: str) -> None:
    for value in (WRITTEN[:length], WRITTEN[-length or -1 :], WRITTEN + more, more + WRITTEN):
        assert SIGNER.read(value) is None or value == WRITTEN


def test_a_value_of_8_kilobytes_is_nobody() -> None:
    assert SIGNER.read(WRITTEN * 80) is None


def test_the_key_of_another_application_does_not_sign() -> None:
    assert VisitorCookieSigner("other").read(WRITTEN) is None


def test_a_former_secret_is_read_and_replaced() -> None:
    rotated = VisitorCookieSigner("new", "", "secret")
    assert rotated.read(WRITTEN) == VISITOR
    assert SIGNER.is_current(WRITTEN, now=NOW, days=30)
    assert not rotated.is_current(WRITTEN, now=NOW, days=30)
    assert rotated.is_current(rotated.write(VISITOR, now=NOW), now=NOW, days=30)


@pytest.mark.parametrize(
    ("days_later", "current"),
    [(0, True), (29, True), (30, False), (365, False), (-1, True), (-29, True), (-31, False)],
)
def test_it_is_current_for_some_days_and_a_clock_that_was_ahead_does_not_keep_it_for_ever(
    days_later: float, *, current: bool
) -> None:
    now = NOW + days_later * DAY
    assert SIGNER.is_current(WRITTEN, now=now, days=30) is current


@given(st.text(max_size=50))
def test_a_signature_of_kept_variants_makes_nobody_a_visitor(variant: str) -> None:
    kept = KeptVariants(VISITOR, None, lambda: SIGNER)
    kept.keep("Signup", variant)
    content, _, signature = kept.written().rpartition(".")
    for text in (content, f"_variants.{VISITOR}.{content}", f"{VISITOR}.20000."):
        assert SIGNER.read(text + signature) is None
    assert not SIGNER.has_signed(WRITTEN[:-32], WRITTEN[-32:])


def test_variants_that_a_former_secret_has_signed_are_kept_and_written_anew() -> None:
    before = KeptVariants(VISITOR, None, lambda: SIGNER)
    before.keep("Signup", "github")
    rotated = VisitorCookieSigner("new", "secret")
    kept = KeptVariants(VISITOR, before.written(), lambda: rotated)
    kept.renew()
    assert kept.has_changed
    again = KeptVariants(VISITOR, kept.written(), lambda: VisitorCookieSigner("new"))
    assert again.variants == {"Signup": "github"}
    nothing = KeptVariants(VISITOR, urlsafe_b64encode(b"{}").decode(), lambda: rotated)
    nothing.renew()
    assert not nothing.has_changed


@pytest.mark.parametrize("secret", ["", b""])
def test_without_a_secret_nothing_is_signed(secret: str | bytes) -> None:
    with pytest.raises(ConfigError, match="needs a secret"):
        VisitorCookieSigner(secret, "former")


def test_ids_are_random_and_recognized() -> None:
    ids = {new_visitor_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(map(is_visitor_id, ids))
