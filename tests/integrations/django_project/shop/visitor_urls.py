"""Pages for visitors who need not be signed in."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from django.contrib.auth import alogin, get_user_model, login
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.template import Context, Template
from django.template.response import TemplateResponse
from django.urls import include, path
from django.views.decorators.cache import cache_page

numbers = count()
SIGNUP_PAGE = (
    "{% load abkit %}{% csrf_token %}{% experiments_json %}"
    '<p>{{ experiments.Signup }}</p>{% log_exposure "Signup" %}'
)


def ask(request: Any) -> HttpResponse:
    """A page of the experiment."""
    request.experiments.log_exposure("Signup")
    return HttpResponse(request.experiments["Signup"])


async def async_ask(request: Any) -> HttpResponse:
    """The same, asynchronous."""
    experiments = await request.experiments.aload()
    experiments.log_exposure("Signup")
    return HttpResponse(experiments["Signup"])


def plain(request: Any) -> HttpResponse:
    """A page that asks for nothing; each answer is another."""
    return HttpResponse(str(next(numbers)))


def token(request: Any) -> HttpResponse:
    """The CSRF token."""
    return HttpResponse(get_token(request))


def enter(request: Any) -> HttpResponse:
    """Sign in, after the experiment was asked for."""
    ask(request)
    login(request, get_user_model().objects.get(username="member"))
    return HttpResponseRedirect("/plain/")


async def async_enter(request: Any) -> HttpResponse:
    """The same, asynchronous."""
    await async_ask(request)
    await alogin(request, await get_user_model().objects.aget(username="member"))
    return HttpResponse()


def greet(request: Any) -> HttpResponse:
    """A page of a user that asks for no experiment."""
    return HttpResponse(request.user.username)


def template(request: Any) -> HttpResponse:
    """A sign-up page whose script can log the exposure."""
    from django.template.context_processors import csrf

    from abkit.integrations.django.context_processors import experiments

    context = {"request": request, **experiments(request), **csrf(request)}
    return HttpResponse(Template(SIGNUP_PAGE).render(Context(context)))


def late_template(request: Any) -> TemplateResponse:
    """A page that asks when it is rendered, after the view."""
    return TemplateResponse(request, "page_of_visitor.html")


def fails(request: Any) -> HttpResponse:
    """A page of the experiment with a bug."""
    ask(request)
    raise ZeroDivisionError


def stream(request: Any) -> StreamingHttpResponse:
    """A page that asks, and then is made while it is sent."""
    variant = request.experiments["Signup"]
    return StreamingHttpResponse(iter([variant]))


def late_stream(request: Any) -> StreamingHttpResponse:
    """A page that asks while it is sent."""

    def pieces() -> Iterator[str]:
        yield request.experiments["Signup"]

    return StreamingHttpResponse(pieces())


urlpatterns = [
    path("abkit/", include("abkit.integrations.django.urls")),
    path("ask/", ask),
    path("async-ask/", async_ask),
    path("cached-ask/", cache_page(60)(ask)),
    path("plain/", plain),
    path("cached-plain/", cache_page(60)(plain)),
    path("token/", token),
    path("enter/", enter),
    path("async-enter/", async_enter),
    path("greet/", greet),
    path("template/", template),
    path("cached-template/", cache_page(60)(late_template)),
    path("fails/", fails),
    path("stream/", stream),
    path("late-stream/", late_stream),
]
