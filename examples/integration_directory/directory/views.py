"""The pages, signing in, and the clicks."""

from dataclasses import asdict
from uuid import uuid4

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from directory.integrations import INTEGRATIONS
from directory.organizations import ORGANIZATIONS, signed_in


@require_GET
def integration_directory(request: HttpRequest) -> HttpResponse:
    """The Integration Directory; React draws it, in the variant of the organization."""
    integrations = [asdict(integration) for integration in INTEGRATIONS.values()]
    return _page(request, "directory.html", integrations=integrations)


@require_GET
def integration(request: HttpRequest, slug: str) -> HttpResponse:
    """Where a link of the directory leads."""
    if slug not in INTEGRATIONS:
        raise Http404
    return _page(request, "integration.html", integration=INTEGRATIONS[slug])


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Be a member of an organization. Yours asks for a password."""
    slug = request.POST.get("org")
    if slug not in ORGANIZATIONS:
        return HttpResponseBadRequest("There is no such organization.")
    request.session["org"] = slug
    request.session["member"] = uuid4().hex
    return redirect("directory")


@require_POST
def click(request: HttpRequest) -> HttpResponse:
    """Track that a link was clicked, by the organization of the session."""
    slug = request.POST.get("integration")
    if slug not in INTEGRATIONS or signed_in(request) is None:
        return HttpResponseBadRequest("Nobody is signed in, or there is no such integration.")
    request.experiments.track("integration link clicked", properties={"integration": slug})
    return HttpResponse(status=204)


def _page(request: HttpRequest, template: str, **context: object) -> HttpResponse:
    everywhere = {"organizations": ORGANIZATIONS.values(), "organization": signed_in(request)}
    return render(request, template, {**everywhere, **context})
