"""The addresses."""

from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path

from directory import views

urlpatterns = [
    path("", views.integration_directory, name="directory"),
    path("integrations/<slug:slug>/", views.integration, name="integration"),
    path("sign-in/", views.sign_in, name="sign-in"),
    path("clicks/", views.click, name="click"),
    path("abkit/", include("abkit.integrations.django.urls")),
    *staticfiles_urlpatterns(),
]
