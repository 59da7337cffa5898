"""The pytest plugin: it delegates, and it imports what it delegates to when a test asks for it."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from abkit.manager import ExperimentManager
    from abkit.testing.capture import Captured
    from abkit.testing.forcing import ForceVariant

_MARKERS = {
    "experiment": "(experiment, variant, *, everywhere=False): force a variant, in all threads if so said",
    "all_variants": "(experiment, *, argument='variant', everywhere=False): repeat it with each variant",
    "abkit_delivers": ": let events leave the process",
}


class _Session:
    """What the plugin knows of the running session.

    Attributes:
        watch: Tells when the modules are here through which something could leave.
        uses_abkit: Whether the manager is here.
        test: The test that runs.
    """

    def __init__(self) -> None:
        from abkit.testing.watch import ImportWatch

        self.watch = ImportWatch(
            {
                "abkit.manager": self._manager_is_here,
                "abkit.exposure.logger": self._logger_is_here,
                "abkit.exposure.sticky.variants": self._sticky_is_here,
            }
        )
        self.uses_abkit = False
        self.test: pytest.Item | None = None

    def _manager_is_here(self) -> None:
        from abkit.testing.containment import close_for_good, guard_managers

        close_for_good()
        guard_managers()
        self.uses_abkit = True
        if self.test is not None:
            _begin(self.test)

    def _logger_is_here(self) -> None:
        from abkit.testing.containment import guard_loggers

        guard_loggers()

    def _sticky_is_here(self) -> None:
        from abkit.testing.containment import guard_sticky_stores

        guard_sticky_stores()


_session = pytest.StashKey[_Session]()
_until_the_end = pytest.StashKey[ExitStack]()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Look out before anybody starts the application, as pytest-django does."""
    _start(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers."""
    for marker, meaning in _MARKERS.items():
        config.addinivalue_line("markers", marker + meaning)
    _start(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop looking out."""
    vars(pytest.mark).pop("all_variants", None)
    config.stash[_session].watch.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Contain each test, and end what was begun for it."""
    session = item.config.stash[_session]
    with ExitStack() as stack:
        item.stash[_until_the_end] = stack
        session.test = item
        if session.uses_abkit:
            _begin(item)
        try:
            return (yield)
        finally:
            session.test = None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Force what the markers say, before the fixtures are set up; the nearest marker counts."""
    if not hasattr(item, "callspec") and item.get_closest_marker("all_variants") is not None:
        _refuse("all_variants cannot repeat a method of a TestCase: use a function")
    for marker in reversed([*item.iter_markers("experiment")]):
        from abkit.testing.forcing import start_forcing

        experiment, variant, everywhere = _forced_by(marker)
        try:
            stop = start_forcing(experiment, variant, everywhere=everywhere)
        except TypeError as error:
            _refuse(f"experiment: {error}")
        item.stash[_until_the_end].callback(stop)


@pytest.hookimpl(trylast=True, specname="pytest_runtest_setup")
def pytest_refuse_what_cannot_be_forced(item: pytest.Item) -> None:
    """Look up what the markers name, now that fixtures may have registered it."""
    for marker in item.iter_markers("experiment"):
        from abkit.errors import AbkitError
        from abkit.testing.declarations import check_variant

        experiment, variant, _ = _forced_by(marker)
        try:
            check_variant(experiment, variant)
        except (AbkitError, TypeError) as error:
            _refuse(f"experiment: {error}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat a test with each variant of its experiments."""
    taken = set()
    for number, marker in enumerate(metafunc.definition.iter_markers("all_variants")):
        experiment, argument, variants = _all_of(marker)
        everywhere = marker.kwargs.get("everywhere", False)
        if argument not in metafunc.fixturenames:
            argument = f"all_variants_{number}"
            metafunc.fixturenames.append(argument)
        elif argument in taken:
            _refuse(
                f"two all_variants would both give {argument!r}: let the test take one argument for "
                'each, and name it: all_variants(Experiment, argument="...")'
            )
        taken.add(argument)
        metafunc.parametrize(
            argument,
            [
                pytest.param(
                    variant,
                    marks=pytest.mark.experiment(experiment, variant, everywhere=everywhere),
                )
                for variant in variants
            ],
            ids=list(map(str, variants)),
        )


@pytest.fixture
def force_variant() -> "Iterator[ForceVariant]":
    """Force a variant until the end of the test: `force_variant("Experiment", "1")`."""
    from abkit.testing.declarations import check_variant
    from abkit.testing.forcing import start_forcing

    with ExitStack() as stack:

        def force(experiment: str | type, variant: Any, *, everywhere: bool = False) -> None:
            check_variant(experiment, variant)
            stack.callback(start_forcing(experiment, variant, everywhere=everywhere))

        yield force


@pytest.fixture
def captured_exposures() -> "Iterator[Captured]":
    """The events that expt_manager logs during the test."""
    from abkit.testing import capture

    with capture.captured_exposures() as captured:
        yield captured


@pytest.fixture
def isolated_manager() -> "Iterator[ExperimentManager]":
    """expt_manager; all changes to it during the test are undone."""
    from abkit.testing import isolation

    with isolation.isolated_manager() as manager:
        yield manager


def _start(config: pytest.Config) -> None:
    if _session not in config.stash:
        config.stash[_session] = _Session()
        config.stash[_session].watch.start()
        # A mark takes a class that is its only argument for what it shall decorate.
        vars(pytest.mark)["all_variants"] = pytest.mark.all_variants.with_args


def _begin(item: pytest.Item) -> None:
    from abkit.testing.containment import delivering, while_a_test_runs

    until_the_end = item.stash[_until_the_end]
    until_the_end.enter_context(while_a_test_runs())
    if item.get_closest_marker("abkit_delivers") is not None:
        until_the_end.enter_context(delivering())


def _forced_by(marker: pytest.Mark) -> tuple[str | type, Any, bool]:
    everywhere = marker.kwargs.get("everywhere", False)
    if len(marker.args) != 2 or not {*marker.kwargs} <= {"everywhere"}:
        _refuse(
            'write @pytest.mark.experiment("Experiment", "variant"), not experiment'
            f"{_arguments(marker)}"
        )
    return marker.args[0], marker.args[1], bool(everywhere)


def _all_of(marker: pytest.Mark) -> tuple[str | type, str, tuple[Any, ...]]:
    if len(marker.args) != 1 or not {*marker.kwargs} <= {"argument", "everywhere"}:
        _refuse(
            f"write @pytest.mark.all_variants(YourExperiment), not all_variants{_arguments(marker)}"
        )
    from abkit.errors import AbkitError
    from abkit.testing.declarations import declared_variants

    experiment = marker.args[0]
    try:
        variants = declared_variants(experiment)
    except (AbkitError, TypeError) as error:
        _refuse(f"all_variants: {error}")
    return experiment, str(marker.kwargs.get("argument", "variant")), variants


def _arguments(marker: pytest.Mark) -> str:
    given = [*map(repr, marker.args), *(f"{k}={v!r}" for k, v in marker.kwargs.items())]
    return f"({', '.join(given)})"


def _refuse(message: str) -> NoReturn:
    pytest.fail(message, pytrace=False)
