"""The visitor's cookie: an id, the day on which it was written, and a signature of both. Pure."""

from hashlib import blake2b
from hmac import compare_digest

from abkit.errors import ConfigError
from abkit.experiments.declaring.identities import VISITOR_ID_LENGTH

_PURPOSE = b"abkit.visitor"
# What is signed for one purpose says nothing in the place of the other.
_ID, _TEXT = b"visitor id", b"visitor text"
_DAY = 86_400
_SIZE = 16  # bytes, as many as the id has
_SIGNATURE = 2 * _SIZE  # hexadecimal digits


class VisitorCookieSigner:
    """Writes and reads the values of the cookie.

    Args:
        secret: What only the servers know.
        *former: Secrets of before: what was signed with them is still read.

    Raises:
        ConfigError: There is no secret.
    """

    def __init__(self, secret: str | bytes, *former: str | bytes) -> None:
        if not secret:
            message = (
                "The cookie of visitors needs a secret, a long random text that only servers know: without "
                "one, anybody could choose their variant"
            )
            raise ConfigError(message)
        # BLAKE2 is a MAC by itself if it has a key, and takes a third of the time of an HMAC.
        keys = [_key(each) for each in (secret, *former) if each]
        self._keyed = tuple(blake2b(key=key, digest_size=_SIZE, person=_ID) for key in keys)
        self._keyed_for_texts = tuple(
            blake2b(key=key, digest_size=_SIZE, person=_TEXT) for key in keys
        )

    def write(self, visitor_id: str, *, now: float) -> str:
        """The value of the cookie: plain ASCII without characters that cookies must quote.

        Args:
            visitor_id: As `new_visitor_id` makes it.
            now: Seconds since the epoch.
        """
        content = f"{visitor_id}.{int(now // _DAY)}."
        return content + _digits(self._keyed[0], content.encode())

    def read(self, value: str) -> str | None:
        """The visitor's id; None if the value was not written with one of the secrets."""
        try:
            content, signature = value[:-_SIGNATURE].encode(), value[-_SIGNATURE:]
            for key in self._keyed:
                keyed = key.copy()
                keyed.update(content)
                if compare_digest(keyed.hexdigest(), signature):
                    return value[:VISITOR_ID_LENGTH]
        except (TypeError, UnicodeError):  # of characters that no such value has
            pass
        return None

    def signature(self, text: str) -> str:
        """The signature of another text of the visitor's, by the secret of now."""
        return _digits(self._keyed_for_texts[0], text.encode())

    def has_signed(self, text: str, signature: str) -> bool:
        """Whether a signature is one of the text, by one of the secrets."""
        try:
            content = text.encode()
            return any(
                compare_digest(_digits(key, content), signature) for key in self._keyed_for_texts
            )
        except (TypeError, UnicodeError):  # of characters that no such text has
            return False

    def is_current(self, value: str, *, now: float, days: float) -> bool:
        """Whether a value that can be read has the secret of now, and is of the last days.

        Args:
            value: Of the cookie.
            now: Seconds since the epoch.
            days: So many; as many in the future too, because the clocks of servers are not the same.
        """
        written = int(value[VISITOR_ID_LENGTH + 1 : -_SIGNATURE - 1])
        if not abs(now / _DAY - written) < days:
            return False
        # With one secret, a value that can be read has that one.
        return len(self._keyed) == 1 or value == self.write(
            value[:VISITOR_ID_LENGTH], now=written * _DAY
        )


def _digits(keyed: "blake2b", content: bytes) -> str:
    copy = keyed.copy()
    copy.update(content)
    return copy.hexdigest()


def _key(secret: str | bytes) -> bytes:
    raw = secret.encode() if isinstance(secret, str) else secret
    return blake2b(_PURPOSE + b"\0" + raw, digest_size=32).digest()
