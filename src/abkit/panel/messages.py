"""What an integration asks the panel, and what it sends back."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType

from attrs import field, frozen

from abkit.request_origin import is_same_origin

SECURITY_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; img-src 'self' data:; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
)
"""What every answer tells the browser: nothing from elsewhere, nothing kept, in no other page's frame."""


def _in_lower_case(headers: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({name.lower(): value for name, value in headers.items()})


@frozen(kw_only=True)
class Viewer:
    """Who looks.

    Attributes:
        name: How the history calls the person; empty if nobody knows.
        may_act: Whether the person may change settings.
        form_field: The name and the value of the hidden field by which the framework knows its own forms;
            None: it has none.
    """

    name: str = ""
    may_act: bool = False
    form_field: tuple[str, str] | None = None


@frozen(kw_only=True)
class PanelRequest:
    """A request, as the panel reads it. Who may not look does not get here.

    Attributes:
        method: "GET", "HEAD" or "POST"; others are refused.
        path: What follows the place where the panel is mounted, decoded: "", "experiments/Name/".
        root: That place as a browser sees it, with a slash at both ends, such as "/experiments/".
        query: The values of each name in the query string.
        form: The fields of the form that was sent.
        headers: By name, in upper or lower case: they tell whether a page of this site sent the form.
        viewer: Who looks.
    """

    method: str = "GET"
    path: str = ""
    root: str = "/"
    query: Mapping[str, Sequence[str]] = field(factory=lambda: MappingProxyType({}))
    form: Mapping[str, str] = field(factory=lambda: MappingProxyType({}))
    headers: Mapping[str, str] = field(
        factory=lambda: MappingProxyType({}), converter=_in_lower_case
    )
    viewer: Viewer = Viewer()

    @property
    def is_from_here(self) -> bool:
        """Whether a page of this site sent it, as far as a browser says; else nothing is changed."""
        return is_same_origin(self.headers, ())

    def last(self, name: str) -> str:
        """The last value of a name in the query string; empty if there is none."""
        said = self.query.get(name, ())
        return said[-1].strip() if said else ""


@frozen(kw_only=True)
class PanelResponse:
    """An answer.

    Attributes:
        status: Of HTTP.
        body: As it is sent.
        content_type: Of the body.
        headers: Beside the type of the content; `SECURITY_HEADERS` are among them.
    """

    status: HTTPStatus = HTTPStatus.OK
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = SECURITY_HEADERS
