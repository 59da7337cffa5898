"""`path("abkit/", include("abkit.integrations.django.urls"))`."""

from django.urls import path

from abkit.integrations.django.views import log_exposure

app_name = "abkit"
urlpatterns = [path("log-exposure/", log_exposure, name="log_exposure")]
