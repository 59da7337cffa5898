"""Whether a request comes from a page of this site."""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit


def is_same_origin(headers: Mapping[str, str], trusted: Collection[str]) -> bool:
    """Whether a request comes from a page of this site, or from no browser at all.

    As Go's `http.CrossOriginProtection` (Valsorda, 2025) decides: by Sec-Fetch-Site, else by Origin
    against Host. All browsers send Origin with a POST; what sends neither has no cookies to abuse. Behind
    a proxy that gives its own Host, such as Next.js, X-Forwarded-Host has the page's; a page of another site
    cannot add that header to a request with cookies.

    Args:
        headers: By name in lower case.
        trusted: Other origins that may send, such as "https://www.example.com".
    """
    origin = headers.get("origin")
    if origin in trusted:
        return True
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    if origin is None:
        return True
    try:
        own = {headers.get("host"), headers.get("x-forwarded-host")} - {""}
        return urlsplit(origin).netloc in own
    except ValueError:
        return False
