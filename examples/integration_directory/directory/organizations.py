"""The organizations, and which of them is signed in. Yours are in a database."""

from dataclasses import dataclass
from itertools import product

from django.http import HttpRequest


@dataclass(frozen=True)
class Organization:
    """A customer."""

    id: int
    slug: str
    name: str


_FIRST = ["Amber", "Blue", "Copper", "Golden", "Green", "Quiet", "Silver"]
_SECOND = ["Anchor", "Bridge", "Field", "Harbor", "Lantern", "Mill", "Orchard", "River", "Summit"]
_NAMES = [*map(" ".join, product(_FIRST, _SECOND)), "Acme"]
_ALL = [
    Organization(number, name.lower().replace(" ", "-"), name)
    for number, name in enumerate(_NAMES, start=1)
]
ORGANIZATIONS = {organization.slug: organization for organization in _ALL}


def signed_in(request: HttpRequest) -> Organization | None:
    """The organization of the session."""
    return ORGANIZATIONS.get(request.session.get("org"))


def subjects(request: HttpRequest) -> dict[str, object]:
    """Who a request is about, for abkit: the organization, and who acts in it."""
    return {"org": signed_in(request), "actor": request.session.get("member")}
