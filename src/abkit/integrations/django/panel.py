"""`path("experiments/", include("abkit.integrations.django.panel"))`: the panel. See docs/howto/panel.md."""

from urllib.parse import quote

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from abkit.integrations.django.apps import abkit_app
from abkit.panel import PanelRequest, Viewer

app_name = "abkit_panel"


@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def panel_page(request: HttpRequest, place: str = "") -> HttpResponseBase:
    """A page of the panel; who is not signed in is asked to."""
    user = getattr(request, "user", None)
    configuration = abkit_app().configuration
    if not configuration.panel_may_view(request):
        if getattr(user, "is_authenticated", False):
            raise PermissionDenied
        return redirect_to_login(request.get_full_path())
    answer = abkit_app().panel.respond(
        PanelRequest(
            method=request.method or "GET",
            path=place,
            root=quote(request.path.removesuffix(place)),
            query=dict(request.GET.lists()),
            form=request.POST.dict(),
            headers=dict(request.headers),
            viewer=Viewer(
                name=str(user or ""),
                may_act=bool(configuration.panel_may_act(request)),
                form_field=("csrfmiddlewaretoken", get_token(request)),
            ),
        )
    )
    return HttpResponse(
        answer.body,
        status=answer.status,
        headers={**answer.headers, "Content-Type": answer.content_type},
    )


urlpatterns: list[URLPattern] = [
    path("", panel_page, name="overview"),
    path("<path:place>", panel_page, name="page"),
]
