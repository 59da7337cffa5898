"""How an experiment will be judged: declared with it, before there are data."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

import attrs
from attrs import evolve, field, frozen

from abkit.errors import AnalysisError
from abkit.experiments.declaring import plan_fields as fields
from abkit.experiments.declaring.analysis_words import (
    Alternative,
    Correction,
    Method,
    Several,
    Spending,
    Step,
)
from abkit.experiments.declaring.arguments import arguments_checked
from abkit.experiments.declaring.covariates import Covariate, checked_covariates, metrics_among
from abkit.experiments.declaring.exclusion import Exclusion
from abkit.experiments.declaring.metrics import Direction, Metric, Quantile
from abkit.experiments.declaring.tau import Tau

A_WEEK = 7
"""Days before which no variant is rolled out, by a plan that says nothing else."""

DEFAULT_LOOKS = 5
"""Planned looks of a group sequential test that says nothing else."""

_OF_ONE_SIDE = (Method.SEQUENTIAL, Method.WELCH)
_OF_A_METHOD = ("looks", "spending", "taus")
"""What a plan says of its own method only."""

Kind = TypeVar("Kind", bound=type)


def _remembering(kind: Kind) -> Kind:
    """Make a class remember which arguments it was given.

    Where a method is among them, it is known already what goes with it; otherwise that is known once the
    plan is put over another one, or is used: see `AnalysisPlan.check`.
    """
    init: Callable[..., None] = kind.__init__  # type: ignore[misc]

    @wraps(init)
    def remember(self: object, *args: Any, **given: Any) -> None:
        init(self, *args, **given)
        object.__setattr__(self, "given", frozenset(given))
        problem = self.problem if "method" in given else None  # type: ignore[attr-defined]
        if problem:
            raise AnalysisError(problem)

    kind.__init__ = remember  # type: ignore[misc]
    return kind


@arguments_checked({"control": "the experiment declares it", "alpha": "give confidence=1 - alpha"})
@_remembering
@frozen(kw_only=True)
class AnalysisPlan:
    """How an experiment will be judged.

    An experiment declares it: `plan = AnalysisPlan(confidence=0.9, sample_size=50_000)`. What is left out is
    as `[tool.abkit.analysis]` in pyproject.toml has it, and else the default.

    Attributes:
        method: How a variant is compared with the control: "sequential" (look as often as you like),
            "welch" (one planned look; the default for a table of units), "bayesian" or "group-sequential".
        confidence: 0.95 accepts a false alarm in one of 20 experiments without a difference, for each
            family of comparisons that are read together: the treatments of a primary metric or of a
            guardrail; all secondary metrics with all treatments.
        correction: How a family shares that probability. Bonferroni's, unless said otherwise; none with
            the Bayesian method, whose chances are never corrected.
        alternative: "two-sided"; or "one-sided", which tests only the side that matters, with
            "sequential" and "welch".
        sample_size: The planned units of all arms together. With "welch", nothing is concluded before it
            is reached; with "group-sequential", looks are shares of it.
        min_days: Days since the first exposure before which no variant is to be rolled out, however
            clear it is: a week, unless said otherwise, as the users of a Monday are not those of a
            Sunday. 0 or None: no such time.
        looks: The planned looks of "group-sequential", as shares of the sample size; a number means that
            many even steps.
        spending: When "group-sequential" spends its probability of a false alarm.
        taus: By metric, the difference that the sequential test looks for, in the metric's unit, or
            several with their weights. A metric not named here takes the standard error of the first
            look, and its goal times the control's mean so far if it has one.
        cuped: The length of the time before a unit's first exposure whose actions explain away part of
            the variance. For a table of units, by metric, the column of the same before the experiment.
            None: no CUPED.
        covariates: What metrics are adjusted by beside their own past: properties of a unit's first
            exposure (a number as it is; of a text, its groups are compared within), and other metrics,
            declared or not, of the time that `cuped` says.
        window: How long after its first exposure a unit's actions count; None: until the end.
        over_time: "day" or "hour": the result at the end of each of them too; None: only the result.
        segments: Properties of a unit's first exposure, or columns of a table of units; the result is
            given for the ten largest groups of each too.
        several: What becomes of units exposed to several variants: "exclude", "first" or "include".
        exclude: Units that are left out, such as testers and `BOTS`.
        novelty: Whether the effect of the metric that decides is shown and tested by days since each unit's
            first exposure, which takes about a tenth to a quarter more time; False: it is not.
        given: The names of the arguments that were given: those that this plan decides.

    Raises:
        AnalysisError: A value makes no sense, or does not go together with another one.
    """

    method: Method = field(default=Method.SEQUENTIAL, converter=fields.method)
    confidence: float = field(default=0.95, validator=fields.confidence)
    correction: Correction = field(converter=fields.correction)
    alternative: Alternative = field(default=Alternative.TWO_SIDED, converter=fields.alternative)
    sample_size: int | None = field(default=None, validator=fields.size)
    min_days: int | None = field(default=A_WEEK, validator=fields.days)
    looks: tuple[float, ...] = field(converter=fields.looks)
    spending: Spending = field(default=Spending.OBRIEN_FLEMING, converter=fields.spending)
    taus: Mapping[str, Tau] = field(
        factory=dict, validator=fields.taus, converter=fields.frozen_mapping, hash=False
    )
    cuped: timedelta | Mapping[str, str] | None = field(
        default=None, validator=fields.before, converter=fields.frozen_mapping, hash=False
    )
    covariates: tuple[Covariate, ...] = field(default=(), converter=checked_covariates)
    window: timedelta | None = field(default=None, validator=fields.length)
    over_time: Step | None = field(default=Step.DAY, converter=fields.step)
    segments: tuple[str, ...] = field(default=(), converter=fields.segments)
    several: Several = field(default=Several.EXCLUDE, converter=fields.several)
    exclude: tuple[Exclusion, ...] = field(default=(), converter=fields.exclusions)
    novelty: bool = field(default=True, validator=fields.novelty)
    given: frozenset[str] = field(init=False, default=frozenset(), eq=False, repr=False)

    def __reduce__(self) -> tuple[Callable[..., "AnalysisPlan"], tuple[dict[str, Any]]]:
        """What pickle and copy make it from: what was given, as a read-only mapping cannot be pickled."""
        return _of_given, ({name: _plain(getattr(self, name)) for name in self.given},)

    @correction.default
    def _usual_correction(self) -> Correction:
        return Correction.NONE if self.method is Method.BAYESIAN else Correction.BONFERRONI

    @looks.default
    def _usual_looks(self) -> int | None:
        return DEFAULT_LOOKS if self.method is Method.GROUP_SEQUENTIAL else None

    @property
    def problem(self) -> str | None:
        """What does not go together, and what would; None if nothing."""
        return self._of_group_sequential() or self._of_other_methods()

    def _of_group_sequential(self) -> str | None:
        planned = self.method is Method.GROUP_SEQUENTIAL
        if self.looks and not planned:
            return (
                f"looks are planned with method='group-sequential', not with {self.method.value!r}"
            )
        if not planned:
            return None
        if not self.looks:
            return "method='group-sequential' needs looks, such as looks=5"
        if self.over_time is None:
            return (
                "method='group-sequential' finds its looks in the results over time: leave "
                "over_time='day', or 'hour'"
            )
        if self.correction in (Correction.HOLM, Correction.BENJAMINI_HOCHBERG):
            return (
                "method='group-sequential' spends a level that must be known beforehand: use "
                "correction='bonferroni' or 'none'"
            )
        return None

    def _of_other_methods(self) -> str | None:
        method = self.method
        if self.alternative is Alternative.ONE_SIDED and method not in _OF_ONE_SIDE:
            return (
                "A one-sided test is offered with method='sequential' and 'welch', not with "
                f"{method.value!r}: use alternative='two-sided'"
            )
        if self.taus and method is not Method.SEQUENTIAL:
            return f"taus are those of method='sequential'; {method.value!r} has none"
        if method is Method.BAYESIAN and self.cuped is not None:
            return "CUPED is not offered with method='bayesian': use another method, or cuped=None"
        if method is Method.BAYESIAN and self.covariates:
            return "covariates are not offered with method='bayesian': use another method, or none"
        if method is Method.BAYESIAN and self.correction is not Correction.NONE:
            return "method='bayesian' corrects no chances: use correction='none', or leave it out"
        return None

    @property
    def level(self) -> float:
        """The accepted probability of a false alarm: 0.05 at a confidence of 95%."""
        return round(1 - self.confidence, 12)

    def alpha(self, comparisons: int) -> float:
        """The level of each of several comparisons that are read together (Bonferroni)."""
        return self.level / max(1, comparisons)

    def check(self, metrics: Sequence[Metric]) -> None:
        """Refuse a plan that does not fit the metrics.

        Raises:
            AnalysisError: A tau is of no metric, a one-sided test is of one without a direction, or the
                plan itself does not go together.
        """
        if self.problem:
            raise AnalysisError(self.problem)
        if self.method is Method.GROUP_SEQUENTIAL and self.sample_size is None:
            message = (
                "method='group-sequential' needs sample_size, the planned units of all arms, of "
                "which its looks are shares; `abkit power` says how many a goal needs"
            )
            raise AnalysisError(message)
        quantiles = [metric.name for metric in metrics if isinstance(metric, Quantile)]
        if self.method is Method.GROUP_SEQUENTIAL and quantiles:
            message = (
                f"{', '.join(quantiles)}: a Quantile is not read over time, where "
                "method='group-sequential' has its looks; use method='sequential', or 'welch' for one look"
            )
            raise AnalysisError(message)
        names = [metric.name for metric in metrics]
        unknown = sorted(set(self.taus) - set(names))
        if unknown:
            message = f"taus names {', '.join(unknown)}; the metrics are {', '.join(names)}"
            raise AnalysisError(message)
        self._check_past(metrics)
        if self.alternative is Alternative.ONE_SIDED:
            sideless = [m.name for m in metrics if m.direction is Direction.ANY]
            if sideless:
                message = (
                    f"A one-sided test needs a side; {', '.join(sideless)} has direction='any': "
                    "declare direction='increase' or 'decrease', or use alternative='two-sided'"
                )
                raise AnalysisError(message)

    def _check_past(self, metrics: Sequence[Metric]) -> None:
        """Refuse a metric as a covariate without a time before the exposure, in which it is one."""
        measured = metrics_among(self.covariates, metrics)
        if measured and not isinstance(self.cuped, timedelta):
            message = (
                f"covariates names the metric {measured[0].name!r}, which the treatment can change after the "
                "exposure: say with cuped=timedelta(days=14) in which time before it is a covariate"
            )
            raise AnalysisError(message)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know about the plan."""
        found: list[str] = []
        if self.confidence < 0.8:
            found.append(
                f"A confidence of {self.confidence:.0%} is low: expect a false alarm in "
                f"{self.level:.0%} of the experiments without a difference."
            )
        if self.method is Method.WELCH and self.sample_size is None:
            found.append(
                "Welch's t-test is valid at one look, at a size planned beforehand, and no "
                "sample_size is given: read it once, or use method='sequential', which holds at "
                "every look."
            )
        return tuple(found)

    @property
    def for_segments(self) -> "AnalysisPlan":
        """The same for parts of the units: not corrected for several comparisons, and not adjusted."""
        return evolve(self, correction=Correction.NONE, cuped=None, covariates=())

    def over(self, other: "AnalysisPlan") -> "AnalysisPlan":
        """This plan where it says something, and another one where it does not.

        Args:
            other: What holds where this one says nothing. If this one names another method, what the
                other one says of its own (looks, spending, taus), and what does not go with this one's,
                is left out.

        Raises:
            AnalysisError: The two do not go together.
        """
        kept = {name: getattr(other, name) for name in other.given - self.given}
        if "method" in self.given and self.method is not other.method:
            kept = {name: kept[name] for name in kept if self._may_keep(name, kept[name])}
        return AnalysisPlan(**kept, **{name: getattr(self, name) for name in self.given})

    def _may_keep(self, name: str, value: object) -> bool:
        """Whether what was said with another method goes with this one's."""
        if name in _OF_A_METHOD:
            return False
        said: dict[str, Any] = {name: value}
        try:
            AnalysisPlan(method=self.method, **said)
        except AnalysisError:
            return False
        return True


def _of_given(said: Mapping[str, Any]) -> AnalysisPlan:
    return AnalysisPlan(**said)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def fields_of_a_plan() -> tuple[str, ...]:
    """The names of what a plan says, in their order."""
    return tuple(each.name for each in attrs.fields(AnalysisPlan) if each.init)
