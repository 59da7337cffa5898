"""`path("abkit/", include("abkit.integrations.django.urls"))`."""

from django.urls import URLPattern, path

from abkit.integrations.django.views import log_exposure
from abkit.integrations.endpoint import spellings

app_name = "abkit"
# The last of a name is what `reverse` gives.
urlpatterns: list[URLPattern] = [
    path(each.removeprefix("/"), log_exposure, name="log_exposure")
    for each in reversed(spellings("/log-exposure/"))
]
