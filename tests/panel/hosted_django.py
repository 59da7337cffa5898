"""The same application as in `hosted`, of Django: `python -m gunicorn tests.panel.hosted_django:application`.

Who may look and act is as Django has it: its staff, and who has the permission.
"""

import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import include, path
from tests.panel.hosted import EVENTS, KEEP, SETTINGS

from abkit import expt_manager

settings.configure(
    SECRET_KEY="a secret of the tests",  # noqa: S106
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    TIME_ZONE=None,
    LOGGING_CONFIG=None,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "abkit.integrations.django",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": f"{os.environ[SETTINGS]}.sqlite",
        }
    },
    ABKIT={
        "EXPERIMENTS": "tests.panel.shop",
        "PANEL_EVENTS": os.environ[EVENTS],
        "PANEL_KEEP": os.environ.get(KEEP),
        "SETTINGS": os.environ[SETTINGS],
        "ON_EVENT": "tests.panel.hosted_django.ignored",
    },
)
django.setup()


def ignored(event: object) -> None:
    """No event of these tests is of interest."""


def sign_in(request: HttpRequest) -> HttpResponseBase:
    from django.contrib.auth import get_user_model, login

    login(request, get_user_model().objects.get(username="grace"))
    return redirect("abkit_panel:overview")


def variant(request: HttpRequest) -> HttpResponse:
    return HttpResponse(expt_manager.get("Checkout", user=request.GET["user"]))


urlpatterns = [
    path("inside/experiments/", include("abkit.integrations.django.panel")),
    path("sign-in/", sign_in),
    path("variant/", variant),
]
application = get_wsgi_application()


def _database() -> None:
    """A database of one user, who may do everything."""
    from django.contrib.auth.models import Permission, User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    grace = User.objects.create(username="grace", is_staff=True)
    grace.user_permissions.add(Permission.objects.get(codename="act_on_experiments"))


_database()
