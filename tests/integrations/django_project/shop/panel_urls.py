"""The addresses of a project that has the panel."""

from django.urls import include, path

from . import views

urlpatterns = [
    path("company/experiments/", include("abkit.integrations.django.panel")),
    path("sign-in/<username>/<org>/", views.sign_in),
]
