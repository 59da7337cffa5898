"""One Django project for all tests of this folder; it leaves nothing to the other tests."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from abkit import expt_manager
from abkit.events import Event

PROJECT = Path(__file__).parent / "django_project"
USERS = {"member": 7, "staff": 8}


@pytest.fixture(scope="session")
def django(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Django, set up for the project, with a database of two users, which is given."""
    database = tmp_path_factory.mktemp("django") / "shop.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PROJECT)
        patch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")
        patch.setenv("DATABASE", str(database))
        import django

        django.setup()
        expt_manager.clear()
        import_module("shop.urls")
        from django.contrib.auth import get_user_model
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", verbosity=0)
        for name, number in USERS.items():
            user = get_user_model()(id=number, username=name, is_staff=name == "staff")
            user.save()
    yield database
    connections.close_all()


@pytest.fixture
def events(django: Path) -> Iterator[list[Event]]:
    """The events of the project, which has just started."""
    from abkit.integrations.django.apps import abkit_app

    expt_manager.clear()
    app = abkit_app()
    app.__dict__.pop("endpoint", None)
    app.__dict__.pop("configuration", None)
    app.ready()
    found: list[Event] = []
    expt_manager.on_event = found.append
    yield found
    expt_manager.clear()
