"""The pages."""

import os
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render

from abkit import expt_manager


def sign_in(request: HttpRequest, username: str, org: str) -> HttpResponse:
    """Sign a user in, without a password, into an organization; the answer is the CSRF token."""
    login(request, get_user_model().objects.get(username=username))
    request.session["org"] = org
    return HttpResponse(get_token(request))


def page(request: Any) -> HttpResponse:
    """A page of an experiment."""
    request.experiments.log_exposure("ShowPlugins")
    return HttpResponse(request.experiments["ShowPlugins"])


async def async_page(request: Any) -> HttpResponse:
    """The same, asynchronous."""
    experiments = await request.experiments.aload()
    experiments.log_exposure("ShowPlugins")
    return HttpResponse(experiments["ShowPlugins"])


def api(request: Any) -> HttpResponse:
    """One's own API: many rows, each with the variants."""
    rows = [{"id": number, "experiments": request.experiments.payload()} for number in range(100)]
    return JsonResponse(rows, safe=False)


def template(request: HttpRequest) -> HttpResponse:
    """A page from a template."""
    return render(request, "page.html")


def stream(request: Any) -> StreamingHttpResponse:
    """An answer that is made while it is sent."""
    org = request.session["org"]

    def pieces() -> Iterator[str]:
        yield expt_manager.get("ShowPlugins", org=org)
        yield expt_manager.get("ShowPlugins", org=org)

    return StreamingHttpResponse(pieces())


async def async_stream(request: Any) -> StreamingHttpResponse:
    """The same, asynchronous."""
    org = request.session["org"]

    async def pieces() -> AsyncIterator[str]:
        yield expt_manager.get("ShowPlugins", org=org)
        yield expt_manager.get("ShowPlugins", org=org)

    return StreamingHttpResponse(pieces())


def worker(request: HttpRequest) -> HttpResponse:
    """Which process answers."""
    time.sleep(0.02)  # so that the other one gets the next request
    return HttpResponse(str(os.getpid()))


def fails(request: HttpRequest) -> HttpResponse:
    """A page with a bug."""
    raise ZeroDivisionError
