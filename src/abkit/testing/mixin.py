"""A mixin for the test cases of unittest and Django."""

from typing import TYPE_CHECKING
from unittest import TestCase, TestResult

from abkit.events import Variant
from abkit.manager import ExperimentManager
from abkit.testing.capture import Captured, captured_exposures
from abkit.testing.containment import contained
from abkit.testing.declarations import check_variant
from abkit.testing.forcing import start_forcing
from abkit.testing.isolation import isolated_manager

if TYPE_CHECKING:
    _Base = TestCase
else:
    _Base = object  # The TestCase comes after the mixin, and it may be any.


class ExperimentsMixin(_Base):
    """Put it before any TestCase: `class MyTest(ExperimentsMixin, TestCase)`.

    While a test runs, no logged event leaves the process (see `contained`). Everything that these
    methods do ends with the test. Call them in the test or in `setUp`.
    """

    def run(self, result: TestResult | None = None) -> TestResult | None:
        """Run the test, contained."""
        with contained():
            return super().run(result)

    def force_variant(
        self, experiment: str | type, variant: Variant, *, everywhere: bool = False
    ) -> None:
        """Force a variant until the end of the test; see `ForceVariant`."""
        check_variant(experiment, variant)
        self.addCleanup(start_forcing(experiment, variant, everywhere=everywhere))

    def captured_exposures(self, manager: ExperimentManager | None = None) -> Captured:
        """Capture a manager's events until the end of the test; see `captured_exposures`."""
        return self.enterContext(captured_exposures(manager))

    def isolated_manager(self, manager: ExperimentManager | None = None) -> ExperimentManager:
        """Undo all changes to a manager at the end of the test; see `isolated_manager`."""
        return self.enterContext(isolated_manager(manager))
