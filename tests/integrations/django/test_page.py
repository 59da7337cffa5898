"""docs/howto/django.md is a project: its blocks, as the files that they name, run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from pyarrow.parquet import read_table

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "django.md"
BLOCK = re.compile(r"^```python\n# (\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SETTINGS = """
from pathlib import Path
BASE_DIR = Path(__file__).parent
SECRET_KEY = "a secret of the tests"
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["testserver"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "shop", "accounts"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "DIRS": [BASE_DIR],
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "abkit.integrations.django.context_processors.experiments",
    ]},
}]
"""
VISIT = """
import django, json
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.urls import path
import urls
from accounts import views as accounts
from shop import views
from abkit import expt_manager

urls.urlpatterns += [path("directory", views.directory), path("organizations", views.organizations)]
urls.urlpatterns.append(path("sign-up", accounts.sign_up))
accounts.create_user = lambda form: get_user_model().objects.create(username=form["name"])
call_command("migrate", verbosity=0)
client = Client()
client.force_login(get_user_model().objects.create(username="member"))
session = client.session
session["org"] = 42
session.save()
client.cookies["sessionid"] = session.session_key
visitor = Client()
visitor.cookies["consent"] = "yes"
pages = [visitor.get("/sign-up").text, visitor.post("/sign-up", {"name": "new"}).headers["Location"]]
print(json.dumps({
    "pages": pages,
    "visitor": visitor.cookies["abkit_visitor"].value.partition(".")[0],
    "without consent": [*Client().get("/sign-up").cookies],
    "directory": " ".join(client.get("/directory").text.split()),
    "rows": client.get("/organizations").json()[99],
    "sent": client.post(
        "/abkit/log-exposure/",
        {"experiment": "ShowPluginsExperiment", "unitType": "org", "unitId": "42"},
        content_type="application/json",
    ).status_code,
    "variant": expt_manager.get("ShowPluginsExperiment", org=42),
}))
"""


def test_the_page_is_a_project(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    files = {name: "" for name, _ in BLOCK.findall(text)}
    for name, content in BLOCK.findall(text):
        files[name] += content
    assert {*files} == {
        *("accounts/experiments.py", "accounts/views.py", "accounts/visitors.py"),
        *("shop/experiments.py", "settings.py", "shop/subjects.py", "shop/events.py"),
        *("urls.py", "shop/views.py", "asgi.py"),
    }
    for app in ("shop", "accounts"):
        (tmp_path / app).mkdir()
        (tmp_path / app / "__init__.py").touch()
    files["settings.py"] = SETTINGS + files["settings.py"]
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    templates = re.findall(r"^```html\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    for name, content in zip(("directory.html", "sign_up.html"), templates, strict=True):
        (tmp_path / name).write_text(content)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(tmp_path)}

    def run(*line: str) -> str:
        ran = subprocess.run(
            [sys.executable, *line],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout + ran.stderr

    assert "3 experiments" in run("-m", "django", "abkit", "check", "--update")
    assert "no issues" in run("-m", "django", "check", "--fail-level", "WARNING")
    said = json.loads(run("-c", VISIT))
    assert said["rows"]["experiments"]["ShowPluginsExperiment"]["variant"] == said["variant"]
    assert said["sent"] == 204
    assert '<script id="abkit-experiments"' in said["directory"]
    assert [*tmp_path.glob("data/events/exposures/*/*.parquet")]
    assert '"SignupWithGitHub"' in said["pages"][0]
    assert said["pages"][1] == "/"
    assert said["without consent"] == []
    (identities,) = tmp_path.glob("data/events/identities/*/*.parquet")
    (told,) = read_table(identities).to_pylist()
    assert (told["from_id"], told["to_type"], told["to_id"]) == (said["visitor"], "user", "2")
