"""The log-exposure endpoint as a view."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from abkit.integrations.django.apps import abkit_app
from abkit.integrations.django.requests import experiments_of
from abkit.integrations.wire import Answer, Message, RequestHead, read_at_most


@csrf_exempt  # checked below, by the same middleware, once the token of the body is where it looks
def log_exposure(request: HttpRequest) -> HttpResponseBase:
    """Log the exposures that a browser sends; a CSRF token may be in the body's `csrfToken`."""
    endpoint = abkit_app().endpoint
    head = RequestHead(method=request.method or "", headers=request.headers)
    refused = endpoint.refuse(head)
    if refused is not None:
        return _response(refused)
    try:
        body = read_at_most(request.read, endpoint.max_body)
    except UnreadablePostError:
        return _response(endpoint.broken_off())
    message = endpoint.parse(body)
    if isinstance(message, Answer):
        return _response(message)
    if message.csrf_token is not None:
        request.META.setdefault(settings.CSRF_HEADER_NAME, message.csrf_token)
    return _log(request, message)


@csrf_protect
def _log(request: HttpRequest, message: Message) -> HttpResponse:
    experiments = experiments_of(request)
    subjects = experiments.known_subjects
    with experiments.keeping():
        return _response(abkit_app().endpoint.log(message, subjects))


def _response(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers=answer.headers)
