"""A project as users have it; the tests say by the environment where its data are."""

import os

SECRET_KEY = "a secret of the tests"  # noqa: S105
ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
USE_TZ = True
TIME_ZONE = None  # else Django sets the time zone of the whole process
LOGGING_CONFIG = None
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "shop",
    "abkit.integrations.django",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "abkit.integrations.django.middleware.AbkitMiddleware",
]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE", ":memory:"),
    }
}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "abkit.integrations.django.context_processors.experiments",
            ]
        },
    }
]
ABKIT = {
    "SUBJECTS": "shop.subjects.of",
    "ALLOW_FORCING": "staff",
    "ON_EVENT": "shop.events.exposures",
}
