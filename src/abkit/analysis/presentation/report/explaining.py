"""Numbers and badges as a page shows them: bare, or such that they explain themselves."""

from itertools import count
from typing import Protocol

from abkit.analysis.findings.badges import Badge
from abkit.analysis.findings.metric_result import Arm, MetricResult, Treatment
from abkit.analysis.presentation.explanations import (
    explained_badge,
    explained_comparison,
    explained_mean,
    explained_units,
)
from abkit.analysis.presentation.report.fragments import escaped, explained
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Metric


class Showing(Protocol):
    """How a page shows what can be explained.

    What is shown is text, or HTML that was made already; the answers are HTML.
    """

    def units(self, shown: str, arm: Arm) -> str:
        """An arm's units."""
        ...

    def mean(self, shown: str, found: MetricResult, arm: Arm) -> str:
        """An arm's mean."""
        ...

    def compared(self, what: str, shown: str, found: MetricResult, treatment: Treatment) -> str:
        """A number of a comparison: what it is, as `explained_comparison` calls it."""
        ...

    def badge(self, badge: Badge, metric: Metric) -> str:
        """The word of a badge."""
        ...


class Bare:
    """Nothing is explained: a report of one file is to stay small."""

    def units(self, shown: str, arm: Arm) -> str:  # noqa: ARG002
        """As `Showing.units`."""
        return escaped(shown)

    def mean(self, shown: str, found: MetricResult, arm: Arm) -> str:  # noqa: ARG002
        """As `Showing.mean`."""
        return escaped(shown)

    def compared(
        self,
        what: str,  # noqa: ARG002
        shown: str,
        found: MetricResult,  # noqa: ARG002
        treatment: Treatment,  # noqa: ARG002
    ) -> str:
        """As `Showing.compared`."""
        return escaped(shown)

    def badge(self, badge: Badge, metric: Metric) -> str:  # noqa: ARG002
        """As `Showing.badge`."""
        return escaped(badge.value)


class Explaining:
    """Each explains itself where somebody points or tabs to it.

    Args:
        plan: By which the result was computed.
    """

    def __init__(self, plan: AnalysisPlan) -> None:
        self._plan = plan
        self._numbers = count(1)

    def units(self, shown: str, arm: Arm) -> str:
        """As `Showing.units`."""
        return self._explained(shown, explained_units(arm))

    def mean(self, shown: str, found: MetricResult, arm: Arm) -> str:
        """As `Showing.mean`."""
        return self._explained(shown, explained_mean(found, arm))

    def compared(self, what: str, shown: str, found: MetricResult, treatment: Treatment) -> str:
        """As `Showing.compared`."""
        return self._explained(shown, explained_comparison(what, found, treatment, self._plan))

    def badge(self, badge: Badge, metric: Metric) -> str:
        """As `Showing.badge`."""
        return self._explained(badge.value, explained_badge(badge, metric))

    def _explained(self, shown: str, text: str) -> str:
        return explained(shown, text, next(self._numbers))
