"""Django's settings. There is no database: who is signed in stands in a signed cookie."""

import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

# For an example on your own machine only: in production, keep the key secret and DEBUG off.
SECRET_KEY = "not a secret, for this is an example"  # noqa: S105
DEBUG = True
IS_TEST = sys.argv[1:2] == ["test"]

ROOT_URLCONF = "directory.urls"
WSGI_APPLICATION = "directory.wsgi.application"
INSTALLED_APPS = ["django.contrib.staticfiles", "directory", "abkit.integrations.django"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "abkit.integrations.django.middleware.AbkitMiddleware",
]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "page" / "dist"]  # what `npm run build` makes

ABKIT = {
    "EXPERIMENTS": "directory.experiments.config",
    "SUBJECTS": "directory.organizations.subjects",
    "ON_EVENT": "directory.events.exposures",
    "SETTINGS": BASE_DIR / "experiments.toml",  # `manage.py abkit rollout` and `rollback` write it
    "ALLOW_FORCING": "debug",  # /?abkit=ShowPluginsExperiment:1 shows the plugins, and counts nothing
}
