"""The panel in Django: staff may look."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management.sql import emit_post_migrate_signal
from django.test import Client, override_settings
from tests.panel.shop import Checkout, write_events

from abkit import expt_manager
from abkit.events import Event
from abkit.integrations.django.configuration import configuration_of
from abkit.panel import DatabaseTables

from ..panel_contract import INSIDE, Page, PanelContract


class DjangoHost:
    def get(self, path: str, *, staff: bool = True) -> Page:
        client = Client()
        client.get(f"/sign-in/{'staff' if staff else 'member'}/42/")
        answer = client.get(path)
        policy = answer.headers.get("Content-Security-Policy", "")
        return Page(answer.status_code, answer.text.replace(">staff<", ">grace<"), policy)


@pytest.fixture
def host(events: list[Event], tmp_path: Path) -> Iterator[DjangoHost]:
    expt_manager.add(Checkout)
    abkit = {"PANEL_EVENTS": tmp_path / "events", "PANEL_KEEP": tmp_path / "kept"}
    with override_settings(ROOT_URLCONF="shop.panel_urls", ABKIT=abkit):
        yield DjangoHost()


class TestDjango(PanelContract):
    @pytest.fixture
    def host(self, host: DjangoHost) -> DjangoHost:
        return host


@pytest.mark.usefixtures("host")
def test_who_is_not_signed_in_is_asked_to() -> None:
    answer = Client().get(f"{INSIDE}experiments/Checkout/?days=7")
    assert answer.status_code == 302
    place = "/company/experiments/experiments/Checkout/%3Fdays%3D7"
    assert answer.headers["Location"] == f"/accounts/login/?next={place}"


@pytest.mark.usefixtures("host")
def test_a_function_of_the_project_says_who_may_look() -> None:
    client = Client()
    client.get("/sign-in/member/42/")
    may_view = {"PANEL_EVENTS": "data/events", "PANEL_MAY_VIEW": lambda request: True}
    with override_settings(ABKIT=may_view):
        assert client.get(INSIDE).status_code == 200
    assert client.get(INSIDE).status_code == 403


def test_events_in_a_database_are_shown(events: list[Event], tmp_path: Path) -> None:
    expt_manager.add(Checkout)
    stored = write_events(tmp_path / "events", units=600)
    with duckdb.connect(tmp_path / "shop.duckdb") as database:
        for name in ("exposures", "actions"):
            database.execute(f"create table {name} as from '{stored}/{name}/*.parquet'")
    url = f"duckdb:///{tmp_path / 'shop.duckdb'}"
    client = Client()
    client.get("/sign-in/staff/42/")
    tables = DatabaseTables(url=url, exposures="exposures", actions="actions")
    abkit = {"PANEL_TABLES": tables, "PANEL_RESULTS": tmp_path / "results"}
    with override_settings(ROOT_URLCONF="shop.panel_urls", ABKIT=abkit):
        for _ in range(600):
            page = client.get(f"{INSIDE}experiments/Checkout/health/").text
            if "600 units" in page:
                break
            time.sleep(0.1)
    assert "600 units" in page


def test_events_are_in_a_folder_or_in_tables() -> None:
    both = {"PANEL_EVENTS": "data/events", "PANEL_TABLES": dict}
    (problem,) = configuration_of(both).problems
    assert "the events are where PANEL_EVENTS says" in problem.what


@pytest.mark.usefixtures("host")
def test_without_events_django_says_what_is_missing() -> None:
    client = Client()
    client.get("/sign-in/staff/42/")
    told = pytest.raises(ImproperlyConfigured, match="ABKIT needs PANEL_EVENTS")
    with override_settings(ABKIT={}), told:
        client.get(INSIDE)


def test_a_wrong_setting_is_told() -> None:
    (problem,) = configuration_of({"PANEL_EVENTS": 7}).problems
    assert "must be a folder or a URL, not 7" in problem.what


def permissions() -> Any:
    from django.contrib.auth.models import Permission

    return Permission.objects.filter(content_type__app_label="abkit")


@pytest.mark.usefixtures("django")
def test_migrate_makes_the_permission_to_act() -> None:
    assert [each.codename for each in permissions()] == ["act_on_experiments"]


class Elsewhere:
    """A router by which permissions are in another database."""

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return False


@pytest.mark.usefixtures("django")
def test_the_permission_is_made_only_where_permissions_are() -> None:
    permissions().delete()
    with override_settings(DATABASE_ROUTERS=[Elsewhere()]):
        emit_post_migrate_signal(0, False, "default")
    assert not permissions()
    emit_post_migrate_signal(0, False, "default")
    assert permissions()
