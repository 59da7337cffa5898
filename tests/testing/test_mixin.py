"""The mixin, in test suites of unittest and Django; each runs in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
import threading
import unittest
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ROOT_URLCONF=__name__,
    STATIC_URL="static/",
)
import django
django.setup()
from django.http import HttpResponse
from django.test import LiveServerTestCase, SimpleTestCase, TestCase, TransactionTestCase
from django.urls import path
from urllib.request import urlopen

from abkit import ExperimentManager, ExposureLogger, OrgExperiment, Reason, expt_manager
from abkit.sinks.files import FileSink
from abkit.testing import ExperimentsMixin

class Plugins(OrgExperiment):
    variants = {"0": 1, "1": 0}

expt_manager.add(Plugins)
expt_manager.on_event = LOGGER = ExposureLogger(FileSink("sent", format="jsonl"))
ANOTHER = ExperimentManager(on_event=LOGGER)
ANOTHER.add(Plugins)

def page(request):
    expt_manager.log_exposure(Plugins, org=1)
    return HttpResponse(expt_manager.get(Plugins, org=1))

urlpatterns = [path("", page)]

class Shared(ExperimentsMixin):
    def setUp(self):
        super().setUp()
        self.force_variant("Plugins", "1")
        self.captured = self.captured_exposures()

    def test_sync(self):
        assert expt_manager.get("Plugins", org=1) == "1"
        expt_manager.log_exposure(Plugins, org=1)
        self.captured.assert_exposed(Plugins, org=1, variant="1", times=1)

    async def test_async(self):
        assert expt_manager.get("Plugins", org=1) == "1"
        self.force_variant(Plugins, "0")
        assert expt_manager.get("Plugins", org=1) == "0"
        self.isolated_manager().clear()
        assert not expt_manager

    def test_unknown(self):
        with self.assertRaisesRegex(LookupError, "Did you mean 'Plugins'"):
            self.force_variant("Plugin", "1")

class DjangoTests(Shared, TestCase):
    def test_client(self):
        assert self.client.get("/").content == b"1"
        self.captured.assert_exposed(Plugins, variant="1")

class Transactions(Shared, TransactionTestCase): pass
class Asyncio(Shared, unittest.IsolatedAsyncioTestCase): pass

class Live(ExperimentsMixin, LiveServerTestCase):
    def test_live_server(self):
        self.force_variant("Plugins", "1", everywhere=True)
        captured = self.captured_exposures()
        assert urlopen(self.live_server_url).read() == b"1"
        captured.assert_exposed(Plugins, variant="1", times=1)

class ZLast(ExperimentsMixin, unittest.TestCase):
    def test_nothing_remains_and_nothing_leaves(self):
        assert expt_manager.assign(Plugins, org=1).reason is Reason.ASSIGNED
        expt_manager.log_exposure(Plugins, org=1)
        expt_manager.track("clicked", org=1)
        ANOTHER.log_exposure(Plugins, org=1)

if __name__ == "__main__":
    unittest.main()
"""


@pytest.mark.parametrize(
    ("program", "passed"),
    [(["-m", "unittest"], "Ran 12 tests"), (["-m", "pytest", "-q"], "12 passed")],
    ids=["unittest", "pytest"],
)
def test_it_serves_unittest_django_and_asyncio(
    tmp_path: Path, program: list[str], passed: str
) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    ran = subprocess.run(
        [sys.executable, *program, "test_suite.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert passed in ran.stdout + ran.stderr, ran.stdout + ran.stderr
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert not [*(tmp_path / "sent").rglob("*.jsonl*")]
