"""The addresses."""

from django.urls import include, path

from . import views

urlpatterns = [
    path("abkit/", include("abkit.integrations.django.urls")),
    path("sign-in/<username>/<org>/", views.sign_in),
    path("page/", views.page),
    path("async/", views.async_page),
    path("api/", views.api),
    path("template/", views.template),
    path("stream/", views.stream),
    path("async-stream/", views.async_stream),
    path("pid/", views.worker),
    path("fails/", views.fails),
]
