"""The pytest plugin, in test suites of its users; each runs in a process of its own."""

import subprocess
import sys
from textwrap import dedent

import pytest

pytest_plugins = ["pytester"]

APPLICATION = """
from pathlib import Path

from abkit import ExperimentManager, ExposureLogger, OrgExperiment, UserExperiment, expt_manager
from abkit.sinks.files import FileSink

class Plugins(OrgExperiment):
    variants = {"0": 1, "1": 0}

class Numbers(UserExperiment):
    variants = {1: 1, 2: 0, 3: 0}

ACTIVE_EXPERIMENTS = [Plugins, Numbers]
expt_manager.load(__name__)

def deliver():
    "What the application does when it starts."
    expt_manager.on_event = logger = ExposureLogger(FileSink("sent", format="jsonl"))
    return logger

def show(org):
    "What a request does."
    variant = expt_manager.get("Plugins", org=org)
    expt_manager.log_exposure("Plugins", org=org, actor=7)
    return variant
"""

INI = """
[pytest]
addopts = --strict-markers -p no:cacheprovider
filterwarnings = error
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    # Loading the plugins that a suite does not need takes longer than the suite.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(application=APPLICATION)
    pytester.makeini(INI)
    return pytester


def run(
    suite: pytest.Pytester, tests: str, *options: str, plugins: str = "abkit", **outcomes: int
) -> pytest.RunResult:
    suite.makepyfile(f"import pytest\nfrom application import *\n{dedent(tests)}")
    named = [option for plugin in plugins.split() for option in ("-p", plugin)]
    result = suite.runpytest_subprocess(*named, *options)
    result.assert_outcomes(**outcomes)
    return result


def sent(suite: pytest.Pytester) -> str:
    return "".join(path.read_text() for path in (suite.path / "sent").rglob("*.jsonl*"))


WHAT_IS_LOADED = """
import sys
def pytest_unconfigure():
    print("loaded:", *sorted(name for name in sys.modules if name.startswith("abkit")))
"""


def test_the_plugin_loads_nothing_for_a_suite_that_does_not_use_abkit(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest(WHAT_IS_LOADED)
    pytester.makepyfile("def test_nothing(): pass")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    (loaded,) = [line for line in result.outlines if "loaded:" in line]
    by_the_package = subprocess.run(
        [
            sys.executable,
            "-c",
            "import abkit, sys; print(*[n for n in sys.modules if n.startswith('abkit')])",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    own = {"abkit.testing", "abkit.testing.pytest_plugin", "abkit.testing.watch"}
    if "abkit.manager" in by_the_package:
        own.add("abkit.testing.containment")
    assert {*loaded.split("loaded:")[1].split()} == {*by_the_package, *own}


def test_the_fixture_and_the_marker_force_until_the_end_of_the_test(
    suite: pytest.Pytester,
) -> None:
    run(
        suite,
        """
        def test_fixture(force_variant):
            force_variant("Plugins", "1")
            force_variant(Numbers, 3)
            assert expt_manager.all(org=1, user=1) == {"Plugins": "1", "Numbers": 3}

        @pytest.fixture
        def page():
            return show(1)

        @pytest.mark.experiment("Plugins", "1")
        @pytest.mark.experiment(Numbers, "2")
        def test_marker(page):
            assert page == show(1) == "1"
            assert expt_manager.get(Numbers, user=1) == 2

        @pytest.mark.experiment("Plugins", "0")
        class TestMany:
            @pytest.mark.experiment("Plugins", "1")
            def test_the_nearest_marker_counts(self):
                assert show(1) == "1"

        def test_nothing_remains():
            assert expt_manager.all(org=1, user=1) == {"Plugins": "0", "Numbers": 1}
        """,
        passed=4,
    )


def test_what_cannot_be_forced_is_an_error_that_says_what_can(suite: pytest.Pytester) -> None:
    result = run(
        suite,
        """
        @pytest.mark.experiment("Plugin", "1")
        def test_unknown_name(): pass

        @pytest.mark.experiment(Plugins, "2")
        def test_unknown_variant(): pass

        @pytest.mark.experiment("Plugins")
        def test_no_variant(): pass

        @pytest.mark.experiment(int, "1")
        def test_no_experiment(): pass

        def test_fixture(force_variant):
            force_variant("Plugins", "off")
        """,
        errors=4,
        failed=1,
    )
    result.stdout.fnmatch_lines(
        [
            "experiment: No experiment named 'Plugin'. Did you mean 'Plugins'? Registered: *",
            "experiment: Plugins: has the variants '0', '1', not '2'",
            'write @pytest.mark.experiment("Experiment", "variant"), not experiment(\'Plugins\')',
            "experiment: force() needs an experiment's name or class, not <class 'int'>",
            "E * Plugins: has the variants '0', '1', not 'off'",
        ]
    )


def test_a_fixture_may_register_what_the_marker_forces(suite: pytest.Pytester) -> None:
    run(
        suite,
        """
        @pytest.fixture
        def application(isolated_manager):
            class Late(OrgExperiment):
                variants = {"off": 1, "on": 0}
            isolated_manager.add(Late)

        @pytest.mark.experiment("Late", "on")
        def test_late(application):
            assert expt_manager.get("Late", org=1) == "on"

        def test_the_manager_is_as_before():
            assert [*expt_manager] == ["Plugins", "Numbers"]
        """,
        passed=2,
    )


ALL_VARIANTS = """
@pytest.mark.all_variants(Numbers)
def test_with_argument(variant):
    assert expt_manager.get(Numbers, user=1) == variant

@pytest.mark.all_variants("Plugins")
def test_without():
    assert show(1) in {"0", "1"}

@pytest.fixture
def page(variant):
    return show(1)

@pytest.mark.all_variants("Plugins")
def test_through_a_fixture(page, variant):
    assert page == variant

@pytest.mark.all_variants(Plugins, argument="plugins")
@pytest.mark.all_variants(Numbers, argument="number")
def test_product(plugins, number):
    assert expt_manager.all(org=1, user=1) == {"Plugins": plugins, "Numbers": number}

@pytest.mark.all_variants(Plugins)
class TestClass:
    def test_method(self, variant):
        assert show(1) == variant
"""


def test_all_variants_repeats_a_test_with_each_and_several_give_the_product(
    suite: pytest.Pytester,
) -> None:
    result = run(suite, ALL_VARIANTS, "-v", passed=3 + 2 + 2 + 6 + 2)
    names = [line.split("::", 1)[1].split()[0] for line in result.outlines if "PASSED" in line]
    assert names[:5] == [
        "test_with_argument[1]",
        "test_with_argument[2]",
        "test_with_argument[3]",
        "test_without[0]",
        "test_without[1]",
    ]
    assert "test_product[3-1]" in names
    assert names[-1] == "TestClass::test_method[1]"


def test_the_workers_of_xdist_agree_on_all_variants(suite: pytest.Pytester) -> None:
    run(suite, ALL_VARIANTS, "-n", "2", plugins="abkit xdist", passed=15)


CODED = """
class Coded(OrgExperiment):
    control = "a"
    def assign(self, params, org):
        params.variant = "a"

@pytest.mark.all_variants(Coded)
def test(): pass
"""

TWICE = """
@pytest.mark.all_variants(Plugins)
@pytest.mark.all_variants(Numbers)
def test(variant): pass
"""

TEST_CASE = """
import unittest
class Test(unittest.TestCase):
    @pytest.mark.all_variants(Plugins)
    def test(self): pass
"""


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        ('@pytest.mark.all_variants("Nothing")\ndef test(): pass', "No experiment named 'Nothing'"),
        ("@pytest.mark.all_variants()\ndef test(): pass", "write @pytest.mark.all_variants(Your"),
        ("@pytest.mark.all_variants(int)\ndef test(): pass", "name or class is needed, not <class"),
        (
            "@pytest.mark.all_variants(OrgExperiment)\ndef test(): pass",
            "OrgExperiment is a base class, not an experiment",
        ),
        (CODED, "Coded declares no variants"),
        (TWICE, "two all_variants would both give 'variant'"),
        (TEST_CASE, "all_variants cannot repeat a method of a TestCase"),
    ],
)
def test_all_variants_of_what_has_none_is_an_error(
    suite: pytest.Pytester, tests: str, message: str
) -> None:
    result = run(suite, tests, errors=1)
    assert message in result.stdout.str()


def test_all_variants_of_code_are_those_that_it_can_draw(suite: pytest.Pytester) -> None:
    run(
        suite,
        """
        from abkit import WeightedChoice

        class Drawn(OrgExperiment):
            def default_value(self):
                return "0"

            def assign(self, params, org, actor):
                if org.slug == "sentry":
                    params.variant = "2"
                else:
                    params.variant = WeightedChoice(choices=["0", "1"], weights=[0.9, 0.1], unit=org.id)

        @pytest.mark.all_variants(Drawn)
        def test(variant):
            assert variant in {"0", "1", "2"}
        """,
        passed=3,
    )


def test_captured_exposures_are_those_of_the_code_under_test(suite: pytest.Pytester) -> None:
    run(
        suite,
        """
        @pytest.mark.all_variants(Plugins)
        def test_a_variant_that_the_test_forces_is_exposed(captured_exposures, variant):
            show(42)
            show(42)
            captured_exposures.assert_exposed("Plugins", org=42, variant=variant, times=1)
            assert len(captured_exposures.events) == 2

        def test_whatever_the_application_sets_while_it_runs(captured_exposures):
            deliver()
            show(42)
            captured_exposures.assert_exposed("Plugins", org=42, user=7)
        """,
        passed=3,
    )
    assert sent(suite) == ""


NOTHING_LEAVES = """
import atexit
from abkit.exposure.fanout import FanOut
from abkit.experiments.deciding.run import Run

def at_exit():
    if expt_manager.on_event:
        show(99)

atexit.register(at_exit)

def test_captured(captured_exposures, isolated_manager, monkeypatch):
    show(1)
    monkeypatch.setattr(expt_manager, "on_event", [].append)

def test_request():
    show(1)
    expt_manager.track("clicked", user=1)

def test_its_own_logger():
    with ExposureLogger(FileSink("sent", format="jsonl")) as logger:
        Run(Plugins, on_event=logger, org=1).log_exposure()
        ExperimentManager(on_event=logger).track("clicked", user=1)
"""

WAYS_TO_START = {
    "import": "deliver()",
    "session fixture": """
        @pytest.fixture(scope="session", autouse=True)
        def started():
            deliver()
            show(3)
        """,
    "fixture": """
        @pytest.fixture(autouse=True)
        def started():
            deliver()
            show(3)
        """,
    "own callable": """
        def send(event):
            Path("sent").mkdir(exist_ok=True)
            (Path("sent") / "own.jsonl").write_text(repr(event))

        expt_manager.on_event = send
        """,
    "fan-out": "expt_manager.on_event = FanOut(FileSink('sent', format='jsonl'))",
    "another manager": """
        ANOTHER = ExperimentManager(on_event=deliver())
        ANOTHER.track("clicked", user=1)
        """,
    "callable of another manager": """
        def send(event):
            Path("sent").mkdir(exist_ok=True)
            (Path("sent") / "own.jsonl").write_text(repr(event))

        ANOTHER = ExperimentManager(on_event=send)

        @pytest.fixture(autouse=True)
        def track():
            ANOTHER.track("clicked", user=1)
        """,
    "nothing set": "",
}


@pytest.mark.parametrize("start", WAYS_TO_START.values(), ids=[*WAYS_TO_START])
def test_nothing_leaves_the_process_however_the_application_starts(
    suite: pytest.Pytester, start: str
) -> None:
    result = run(suite, f"{NOTHING_LEAVES}\n{dedent(start)}", passed=3)
    assert sent(suite) == ""
    assert result.stderr.str() == ""


def test_nothing_leaves_though_abkit_is_first_imported_inside_the_test(
    suite: pytest.Pytester,
) -> None:
    suite.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="session")
        def application():
            import application
            application.deliver()
            return application

        def test_first(application):
            application.show(1)
            application.expt_manager.track("clicked", user=1)
        """
    )
    suite.runpytest_subprocess("-p", "abkit").assert_outcomes(passed=1)
    assert sent(suite) == ""


def test_nothing_leaves_though_the_application_starts_before_the_plugin(
    suite: pytest.Pytester,
) -> None:
    suite.makepyfile(
        starter="""
        import application
        ANOTHER = application.ExperimentManager(on_event=application.deliver())
        """
    )
    tests = """
        import starter

        def test_request():
            show(1)
            starter.ANOTHER.track("clicked", user=1)
        """
    # As of any package with a plugin, pytest says that it comes too late to rewrite abkit's asserts.
    late = "ignore::pytest.PytestAssertRewriteWarning"
    run(suite, tests, "-W", late, plugins="starter abkit", passed=1)
    assert sent(suite) == ""


def test_what_tests_set_themselves_is_called(suite: pytest.Pytester) -> None:
    run(
        suite,
        """
        from abkit.sinks.memory import MemorySink

        SEEN = []

        @pytest.fixture(scope="session", autouse=True)
        def recorder():
            expt_manager.on_event = lambda event: SEEN.append(event)

        @pytest.mark.parametrize("org", [1, 2])
        def test_of_the_session(org):
            show(org)
            assert SEEN[-1].unit_id == str(org)

        def test_of_its_own(monkeypatch):
            events = []
            monkeypatch.setattr(expt_manager, "on_event", events.append)
            show(3)
            assert [event.unit_id for event in events] == ["3"]

        def test_a_memory_sink(isolated_manager):
            sink = MemorySink()
            with ExposureLogger(sink) as isolated_manager.on_event:
                show(4)
            assert [event.unit_id for event in sink.exposures] == ["4"]

        def test_of_the_session_again():
            show(5)
            assert SEEN[-1].unit_id == "5"
        """,
        passed=5,
    )


def test_a_marked_test_delivers_and_no_other(suite: pytest.Pytester) -> None:
    run(
        suite,
        """
        LOGGER = deliver()

        def test_before():
            show(1)

        @pytest.mark.abkit_delivers
        def test_delivery():
            show(2)
            assert LOGGER.flush()

        def test_after():
            show(3)
        """,
        passed=3,
    )
    assert '"unit_id":"2"' in sent(suite).replace(" ", "")
    assert len(sent(suite).splitlines()) == 1


def test_tasks_of_asyncio_and_anyio_see_what_is_forced_and_leave_nothing_behind(
    suite: pytest.Pytester,
) -> None:
    run(
        suite,
        """
        import asyncio
        import pytest_asyncio

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest_asyncio.fixture
        async def page():
            return show(1)

        @pytest.mark.asyncio
        @pytest.mark.experiment("Plugins", "1")
        async def test_asyncio(page, force_variant):
            assert page == show(1) == "1"
            force_variant("Plugins", "0")
            assert await asyncio.gather(asyncio.to_thread(show, 1), later()) == ["0", "0"]

        async def later():
            await asyncio.sleep(0)
            return show(1)

        @pytest.mark.anyio
        @pytest.mark.experiment("Plugins", "1")
        async def test_anyio():
            assert show(1) == "1"

        def test_nothing_remains():
            assert show(1) == "0"
        """,
        "-o",
        "asyncio_default_fixture_loop_scope=function",
        plugins="abkit asyncio anyio",
        passed=3,
    )


def test_threads_see_only_what_is_forced_everywhere(suite: pytest.Pytester) -> None:
    run(
        suite,
        """
        from concurrent.futures import ThreadPoolExecutor

        SERVER = ThreadPoolExecutor(1)
        SERVER.submit(print).result()

        def test_here(force_variant):
            force_variant("Plugins", "1")
            assert SERVER.submit(show, 1).result() == "0"

        def test_everywhere(force_variant):
            force_variant("Plugins", "1", everywhere=True)
            assert SERVER.submit(show, 1).result() == show(1) == "1"

        @pytest.mark.experiment("Plugins", "1", everywhere=True)
        def test_marker():
            assert SERVER.submit(show, 1).result() == "1"

        @pytest.mark.all_variants("Plugins", everywhere=True)
        def test_all(variant):
            assert SERVER.submit(show, 1).result() == variant

        def test_nothing_remains():
            assert SERVER.submit(show, 1).result() == "0"
        """,
        passed=6,
    )


def test_a_sticky_store_that_others_share_is_neither_asked_nor_written(
    suite: pytest.Pytester,
) -> None:
    run(
        suite,
        """
        from abkit.exposure.sticky.sql_store import SqlStickyStore
        from abkit.exposure.sticky.store import Choice, MemoryStickyStore, StickyKey

        class Kept(OrgExperiment):
            variants = {"0": 1, "1": 0}
            sticky = True

        def manager(store):
            store.set([Choice(StickyKey("Kept", "org", "7"), "1")])
            found = ExperimentManager(on_event=[].append, sticky_store=store)
            found.add(Kept)
            return found

        def test_contained():
            store = SqlStickyStore("sqlite:///shared.db")
            one = manager(store)
            assert one.get(Kept, org=7) == "0"
            one.log_exposure(Kept, org=8)
            assert one.sticky.flush()
            assert store.get(StickyKey("Kept", "org", "8")) is None

        def test_in_memory():
            assert manager(MemoryStickyStore()).get(Kept, org=7) == "1"

        @pytest.mark.abkit_delivers
        def test_delivers():
            assert manager(SqlStickyStore("sqlite:///shared.db")).get(Kept, org=7) == "1"
        """,
        passed=3,
    )
