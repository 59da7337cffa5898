"""Foreign text, such as an answer or the message of a driver, before it is logged or shown.

It may have line breaks that forge other lines of a log, codes that a terminal obeys, secrets of whoever
called, or a length of megabytes. `quoted` takes care of its form, `masked` of the secrets, `told` of both.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

HIDDEN = "***"
LONGEST = 300
"""Characters of a quotation, unless said otherwise."""

_LOOKED_AT = 20_000
_SHORTEST_SECRET = 4  # a shorter one would be found in every other word

_URL = re.compile(r"\b([a-zA-Z][a-zA-Z0-9+.-]{0,30}://)([^\s\"'<>]+)")
_QUERY_SECRET = re.compile("pass|pwd|token|key|secret|sig|auth|code|cred|sas|jwt", re.IGNORECASE)
_ASSIGNED_SECRET = re.compile(
    r"((?:pass(?:word|wd)?|pwd|secret|token|api[ _-]?key|access[ _-]?key|signature)[\"']?\s{0,4}[=:]\s{0,4})"
    r"('[^']*'|\"[^\"]*\"|[^\s\"'&;,)}]+)",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"\b(Basic|Bearer)( +)([A-Za-z0-9+/=._~-]+)", re.IGNORECASE)


def quoted(text: object, longest: int = LONGEST) -> str:
    """Return foreign text in a form that is safe in one line of a log.

    Args:
        text: The text, or an object that converts to text.
        longest: The maximum number of characters.

    Returns:
        One line: white space becomes one blank, and characters that cannot be printed (control and escape
        codes, marks that change the direction of writing) become Python escapes. Quoting is idempotent.
    """
    words = " ".join(str(text)[:_LOOKED_AT].split())
    if not words.isprintable():
        words = "".join([each if each.isprintable() else _escaped(each) for each in words])
    return words if len(words) <= longest else f"{words[: longest - 3]}..."


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without secrets.

    In URLs, it hides the password, a user that looks like a token, parts of an HTTP path that look like one,
    all values of an HTTP query, and values of other queries with the name of a secret. Elsewhere it hides
    the text after "password=" and similar names, and all known secrets.

    Args:
        text: Any text.
        secrets: Known secrets; those with fewer than 4 characters are ignored.
    """
    known = {
        form for secret in secrets for form in (secret, unquote(secret), quote(secret, safe=""))
    }
    for secret in sorted(known, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, HIDDEN)
    text = _URL.sub(_url_masked, text)
    text = _ASSIGNED_SECRET.sub(_assignment_masked, text)
    return _CREDENTIALS.sub(_credentials_masked, text)


def told(said: object, secrets: Iterable[str] = (), *, longest: int = LONGEST) -> str:
    """Return foreign text, masked and quoted; for an error, also the name of its type."""
    text = f"{type(said).__name__}: {said}" if isinstance(said, Exception) else str(said)
    return quoted(masked(text[:_LOOKED_AT], secrets), longest)


def url_secrets(url: str) -> tuple[str, ...]:
    """Return the parts of an HTTP URL that must not be shown."""
    _, _, rest = url.partition("://")
    authority, _, target = rest.partition("/")
    userinfo = authority.rpartition("@")[0]
    path, _, query = target.partition("?")
    values = [pair.partition("=")[2] for pair in query.split("&")]
    parts = [part for part in path.split("/") if _looks_like_token(part)]
    whole = (userinfo, *userinfo.split(":", 1), f"/{target}", query)
    return tuple(filter(None, (*whole, *values, *parts)))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _url_masked(found: re.Match[str]) -> str:
    scheme, rest = found[1], found[2]
    is_web = scheme.lower() in {"http://", "https://"}
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    port = authority.rpartition(":")[2]
    if "@" not in authority and ":" in authority and "@" in rest and not port.isdecimal():
        authority = rest  # A password with a slash in it.
    userinfo, at, _ = authority.rpartition("@")
    if at:
        rest = f"{_userinfo_masked(userinfo, is_web=is_web)}@{rest[len(userinfo) + 1 :]}"
    target, mark, query = rest.partition("?")
    if is_web:
        parts = target.split("/")
        kept = [HIDDEN if _looks_like_token(part) else part for part in parts[1:]]
        target = "/".join([parts[0], *kept])
    pairs = [_pair_masked(pair, all_of_them=is_web) for pair in query.split("&")]
    return f"{scheme}{target}{mark}{'&'.join(pairs)}"


def _userinfo_masked(userinfo: str, *, is_web: bool) -> str:
    """Of a user with a password, the user; alone on the web, it is a token."""
    user, _, password = userinfo.partition(":")
    if _looks_like_token(user) or (is_web and not password):
        return HIDDEN
    return f"{user}:{HIDDEN}" if password else user


def _pair_masked(pair: str, *, all_of_them: bool) -> str:
    name, equals, _ = pair.partition("=")
    hide = equals and (all_of_them or _QUERY_SECRET.search(name))
    return f"{name}={HIDDEN}" if hide else pair


def _assignment_masked(found: re.Match[str]) -> str:
    what, value = found[1], found[2]
    said = what.rstrip().endswith(":") and not _looks_like_token(value)
    return found[0] if said else f"{what}{HIDDEN}"


def _credentials_masked(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}{HIDDEN}" if _looks_like_token(found[3]) else found[0]


def _looks_like_token(part: str) -> bool:
    """Whether it is rather a secret than a word: long, or with digits or capitals among the letters."""
    has_digit = any(map(str.isdigit, part))
    mixed = not (part.islower() or part.isupper() or part.istitle())
    return len(part) >= 20 or (len(part) >= 6 and has_digit) or (len(part) >= 12 and mixed)
