"""The visitor of a request, and what its response says of it."""

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import LazyObject, empty

from abkit.experiments.declaring.subjects import is_nobody
from abkit.integrations.visitors import RequestVisitor, VisitorRequest, Visitors, signer_of
from abkit.integrations.visitors.cookie import VisitorCookieSigner
from abkit.integrations.visitors.response import VisitorResponse


class DjangoVisitor(RequestVisitor):
    """The visitor of a request.

    Args:
        visitors: How visitors are recognized.
        request: The request.
    """

    def __init__(self, visitors: Visitors[HttpRequest], request: HttpRequest) -> None:
        super().__init__(visitors, _about(visitors, request))
        self._carrier: Any = request

    def recognize(self) -> None:
        """Ask the application's own functions now for what they know; no cookie is made."""
        self._look_for()

    def _keep_out_of_caches(self) -> None:
        # `cache_page` stores what a view returns, before a middleware can say that it is private.
        self._carrier._cache_update_cache = False


def write_visitor(
    told: VisitorResponse,
    visitors: Visitors[HttpRequest],
    response: HttpResponseBase,
    *,
    secure: bool,
) -> None:
    """Write into a response what it shall say of its visitor.

    Args:
        told: That.
        visitors: How visitors are recognized.
        response: The response.
        secure: Whether browsers send the cookies by https only.
    """
    for name, value in told.headers(response.headers).items():
        response[name] = value
    for name, value in told.cookies.items():
        response.set_cookie(name, **visitors.cookie_arguments(value, secure=secure))


def is_signed_in(request: HttpRequest) -> bool:
    """Whether a user is signed in, as far as somebody has asked already: nobody is looked up."""
    user = getattr(request, "user", None)
    if isinstance(user, LazyObject) and user._wrapped is empty:
        return False
    return not is_nobody(user)


def _about(visitors: Visitors[HttpRequest], request: HttpRequest) -> VisitorRequest:
    own_id, consent = visitors.visitor, visitors.consent
    return VisitorRequest(
        cookie=request.COOKIES.get(visitors.cookie),
        variants_cookie=request.COOKIES.get(visitors.variants_cookie),
        cookie_header=request.META.get("HTTP_COOKIE", ""),
        user_agent=request.META.get("HTTP_USER_AGENT"),
        signer=_signer,
        own_id=None if own_id is None else partial(own_id, request),
        consents=partial(consent, request) if consent is not None else lambda: True,
    )


def _signer() -> VisitorCookieSigner:
    return signer_of(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
