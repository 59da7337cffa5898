"""What a response must say that depended on its visitor. Pure."""

from collections.abc import Mapping

from attrs import frozen


@frozen
class VisitorResponse:
    """What the response has to say, as it depended on the visitor.

    Attributes:
        cookies: The values of the cookies that are to be written, by their names; "" to delete one.
    """

    cookies: Mapping[str, str]

    def headers(self, before: Mapping[str, str]) -> dict[str, str]:
        """The headers that keep it out of shared caches.

        Args:
            before: The response's `Vary` and `Cache-Control`, as far as it has them.
        """
        return {
            "Vary": _with_cookie(before.get("Vary", "")),
            "Cache-Control": _private(before.get("Cache-Control", "")),
        }


def _with_cookie(vary: str) -> str:
    names = [each.strip() for each in vary.split(",") if each.strip()]
    if "*" in names or "cookie" in map(str.lower, names):
        return vary
    return ", ".join([*names, "Cookie"])


def _private(cache_control: str) -> str:
    """The directives without what lets shared caches store, and with what forbids it."""
    given = [each.strip() for each in cache_control.split(",") if each.strip()]
    kept = [each for each in given if _name(each) not in {"public", "s-maxage"}]
    # Not private="Set-Cookie": with names, it forbids to store no more than those headers.
    if not {"private", "no-store"} & {*map(str.lower, kept)}:
        kept = ["private", *kept]
    return ", ".join(kept)


def _name(directive: str) -> str:
    return directive.partition("=")[0].strip().lower()
