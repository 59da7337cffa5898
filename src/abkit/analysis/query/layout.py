"""Which numbers per unit the metrics need, and where each stands in the sums."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Self

from attrs import evolve, field, frozen

from abkit.analysis.query import counted_time
from abkit.analysis.query.covariates import Attribute
from abkit.analysis.query.values import one_if
from abkit.analysis.query.where import Filters
from abkit.analysis.reading.quoting import literal
from abkit.analysis.statistics.estimands import Estimand, measured, waits
from abkit.errors import AnalysisError, with_article
from abkit.experiments.declaring.metrics import (
    ActionMetric,
    ActiveDays,
    Average,
    Conversion,
    Derived,
    Distinct,
    Formula,
    Funnel,
    Mean,
    Measured,
    Metric,
    Missing,
    Per,
    Quantile,
    Ratio,
    Retention,
    Sum,
    Total,
)

_NOTHING: Mapping[Metric, tuple[str, ...]] = MappingProxyType({})


@frozen
class Accumulator:
    """A sum over a unit's rows of `done`, from which its measures are made.

    Attributes:
        condition: Which rows, as SQL.
        value: What of them is summed up: a column; None counts them.
    """

    condition: str
    value: str | None = None


@frozen(kw_only=True)
class Layout:
    """The measures of some metrics, in the order of the sums.

    First the metrics of one value per unit themselves; with CUPED the same before the exposure, and
    whether a unit was there then; then, for each metric with limits, whether they changed the unit; then,
    for each metric of amounts, whether the unit's is below 0; then, for each ratio, whether the unit's
    divisor is above 0; then what its exposure tells of a unit.
    What one metric is measured by never depends on the others.

    Attributes:
        metrics: The metrics.
        past: By metric of one value per unit that CUPED adjusts by what it was before the exposure,
            what tells that a unit was there before: actions, or a column.
        signed: The metrics of which is measured whether a unit's value is below 0: those of amounts,
            unless said otherwise.
        divisors: The metrics of which is measured whether a unit's value is above 0: those that a ratio
            divides by, unless said otherwise.
        window: How long after the first exposure actions count for metrics that say nothing else; None:
            until the end.
        covariates: The metrics of one value per unit whose past adjusts all metrics; they are among `past`.
        attributes: What the first exposure tells of a unit, which adjusts all metrics too.
    """

    metrics: tuple[Metric, ...]
    past: Mapping[Metric, tuple[str, ...]] = field(default=_NOTHING)
    signed: tuple[Metric, ...] = field()
    divisors: tuple[Metric, ...] = field()
    window: timedelta | None = None
    covariates: tuple[Metric, ...] = ()
    attributes: tuple[Attribute, ...] = ()

    @signed.default
    def _amounts(self) -> tuple[Metric, ...]:
        return tuple(m for m in self.metrics if isinstance(m, Sum | Average | Mean))

    @divisors.default
    def _of_ratios(self) -> tuple[Metric, ...]:
        return tuple(dict.fromkeys(m.denominator for m in self.metrics if isinstance(m, Ratio)))

    @classmethod
    def of_events(
        cls,
        metrics: Sequence[Metric],
        *,
        cuped: bool,
        window: timedelta | None = None,
        covariates: Sequence[Metric] = (),
    ) -> Self:
        """The measures of actions; CUPED adjusts all but funnels, retentions and quantiles by their past.

        Args:
            metrics: The metrics.
            cuped: Whether a time before the exposure is known.
            window: As the attribute.
            covariates: The metrics whose past adjusts all metrics, if it is.

        Raises:
            AnalysisError: Some metric is none of actions, or its time cannot be had.
        """
        counted_time.check_windows([*metrics, *covariates], window=window)
        plain = cls(metrics=tuple(metrics), window=window, covariates=tuple(covariates))
        for part in plain.parts:
            plain.needed(part)  # refuse it now: some databases cannot read the queries of no action
        for part in plain.tolerant:
            message = (
                f"{part.name!r} has missing={part.missing.value!r}, which is for a table with one row per "
                "unit: a unit without the action has the value 0; leave it out"
            )
            raise AnalysisError(message)
        if not cuped:
            return plain
        adjusted = (p for p in plain.parts if not isinstance(p, Funnel | Retention | Quantile))
        return evolve(plain, past={part: actions_of(part) for part in adjusted})

    @cached_property
    def parts(self) -> tuple[Metric, ...]:
        """The metrics of one value per unit, each once; those that only adjust others at the end."""
        own = (part for metric in self.metrics for part in measured(metric))
        return tuple(dict.fromkeys([*own, *self.covariates]))

    @property
    def adjusted(self) -> tuple[Metric, ...]:
        """Those of the parts that CUPED adjusts."""
        return tuple(self.past)

    @property
    def presences(self) -> tuple[tuple[str, ...], ...]:
        """What tells that a unit was there before, for the metrics that CUPED adjusts.

        Each is there once, and once more for metrics that wait for a window.
        """
        return tuple(presence for presence, _ in self.presences_after)

    @cached_property
    def presences_after(self) -> tuple[tuple[tuple[str, ...], timedelta | None], ...]:
        """The same, each with what it is measured after: `counts_after` of its metrics."""
        found = ((self._presence(metric), self.counts_after(metric)) for metric in self.metrics)
        return tuple(dict.fromkeys(each for each in found if each[0]))

    @cached_property
    def capped(self) -> tuple[Measured, ...]:
        """Those of the parts that have limits."""
        return tuple(p for p in self.parts if isinstance(p, Measured) and p.winsorize is not None)

    @cached_property
    def tolerant(self) -> tuple[Conversion | Mean, ...]:
        """Those of the parts that say what becomes of a unit without a value."""
        return tuple(
            p
            for p in self.parts
            if isinstance(p, Conversion | Mean) and p.missing is not Missing.ERROR
        )

    @cached_property
    def dropping(self) -> tuple[Metric, ...]:
        """Those of the parts that leave a unit without a value out, or one whose window is not over."""
        return tuple(
            p for p in self.parts if (p in self.tolerant and p.missing is Missing.DROP) or waits(p)
        )

    @cached_property
    def lacked(self) -> Mapping[int, int]:
        """By the place of a measure that a unit without a value has not, the place of that value."""
        return MappingProxyType(
            {
                place: self.parts.index(dropped)
                for estimand in self.estimands
                for dropped in [part for part in estimand.places if part in self.dropping][:1]
                for place in (
                    *estimand.places.values(),
                    *estimand.before.values(),
                    estimand.present,
                    estimand.capped,
                    estimand.negative,
                    estimand.divided,
                )
                if place is not None
            }
        )

    @cached_property
    def waits_for(self) -> tuple[timedelta, ...]:
        """The windows after which units count for some metric, each once."""
        found = (self.counts_after(part) for part in self.parts)
        return tuple(dict.fromkeys(window for window in found if window is not None))

    @cached_property
    def reach(self) -> timedelta | None:
        """How long after the first exposure actions count for some metric; None: until the end."""
        return counted_time.longest(map(self.window_of, self.parts))

    @cached_property
    def is_timed(self) -> bool:
        """Whether the accumulators look at the times of rows."""
        return any(self._within(p) for p in self.parts if p not in self.derived)

    @cached_property
    def derived(self) -> tuple[Derived, ...]:
        """Those of the parts of which not each action counts, but what is completed by some."""
        return tuple(p for p in self.parts if isinstance(p, Derived))

    @cached_property
    def quantiles(self) -> tuple[Quantile, ...]:
        """Those of the parts that are quantiles, which are not made of the sums.

        Their measure is how many values a unit has; of a quantile over units, the unit's value.
        """
        return tuple(p for p in self.parts if isinstance(p, Quantile))

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """The names of all actions that some metric needs."""
        return tuple(sorted({name for part in self.parts for name in actions_of(part)}))

    @cached_property
    def values(self) -> tuple[tuple[str, str], ...]:
        """The properties that some metric needs: pairs of action and property."""
        pairs = (
            (p.action, p.property) for p in self.parts if isinstance(p, Sum | Average | Quantile)
        )
        return tuple(dict.fromkeys(pairs))

    @cached_property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """The properties whose different values some metric counts: pairs of action and property."""
        pairs = ((p.action, p.property) for p in self.parts if isinstance(p, Distinct))
        return tuple(dict.fromkeys(pairs))

    @cached_property
    def filters(self) -> Filters:
        """Which actions count for which metric, by their properties."""
        parts = (part for part in self.parts if isinstance(part, ActionMetric))
        return Filters.of((part, actions_of(part)) for part in parts)

    @cached_property
    def read(self) -> tuple[tuple[str, str], ...]:
        """The columns of `actions` that metrics need of an action, and their types."""
        texts = ((f"text_{i}", "varchar") for i in range(len(self.texts)))
        return (*((name, "double") for name in self._value_names), *texts, *self.filters.read)

    @cached_property
    def carried(self) -> tuple[str, ...]:
        """The columns of `done` that the accumulators need, made of these; all are doubles."""
        return (*self._value_names, *self.filters.names)

    @cached_property
    def accumulators(self) -> tuple[Accumulator, ...]:
        """The sums that the measures are made of, each once."""
        return tuple(dict.fromkeys(a for part in self.parts for a in self.needed(part)))

    @cached_property
    def idempotent(self) -> bool:
        """Whether an action that was stored twice changes nothing."""
        return all(
            isinstance(p, Retention | Distinct | ActiveDays)
            or (isinstance(p, Conversion) and p.times == 1)
            for p in self.parts
        )

    @cached_property
    def size(self) -> int:
        """How many measures there are."""
        return self._attributes_from + len(self.attributes)

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The measures whose products some metric needs, by their places."""
        pairs = {(i, i) for i in range(self.size)}
        for estimand in self.estimands:
            others = (*estimand.before.values(), *estimand.beside.values())
            places = sorted({*estimand.places.values(), *others})
            if estimand.present is not None:
                places.append(estimand.present)
            pairs |= {(i, j) for i in places for j in places if i <= j}
        return tuple(sorted(pairs))

    def limited_places(self, part: Metric) -> tuple[int, ...]:
        """The places of the measures that depend on the limits of one of `capped`."""
        places = [self.parts.index(part), self._capped_from + self.capped.index(part)]
        if part in self.adjusted:
            places.append(len(self.parts) + self.adjusted.index(part))
        return tuple(places)

    @cached_property
    def estimands(self) -> tuple[Estimand, ...]:
        """One for each metric, in their order."""
        return tuple(map(self._estimand, self.metrics))

    def window_of(self, part: Metric) -> timedelta | None:
        """How long after the first exposure actions count for one of the parts; None: until the end."""
        return counted_time.window_of(part, self.window)

    def counts_after(self, metric: Metric) -> timedelta | None:
        """How long after its first exposure a unit counts for a metric; None: at once."""
        first = measured(metric)[0]
        return self.window_of(first) if waits(first) else None

    def counted(self, part: ActionMetric, action: str) -> str:
        """Whether a row of `done` is one of a metric's actions, and counts for it, as SQL.

        Args:
            part: One of the parts.
            action: One of its actions.
        """
        conditions = [f"action = {literal(action)}", self._within(part)]
        if part.where is not None:
            conditions.append(self.filters.counted(part.where))
        return " and ".join(filter(None, conditions))

    def _within(self, part: Metric) -> str:
        return counted_time.within(part, window=self.window_of(part), reach=self.reach)

    def counted_value(self, action: str, key: str) -> str:
        """Whether a row of `done` counts for some metric of a property, as SQL."""
        parts = (p for p in self.parts if isinstance(p, Sum | Average | Quantile))
        own = (self.counted(p, action) for p in parts if (p.action, p.property) == (action, key))
        return " or ".join(dict.fromkeys(own))

    def without_value(self) -> str:
        """Whether a row of `done` counts for some metric of a property that it lacks, as SQL."""
        lacking = (
            f"(value_{i} is null and ({self.counted_value(*pair)}))"
            for i, pair in enumerate(self.values)
        )
        return f"past = 0 and ({' or '.join(lacking)})"

    def needed(self, part: Metric) -> tuple[Accumulator, ...]:
        """The sums that one metric of one value per unit is made of.

        Raises:
            AnalysisError: It is no metric of actions.
        """
        match part:
            case Conversion() | Total():
                return (Accumulator(self.counted(part, part.action)),)
            case Sum() | Quantile(per=Per.UNIT):
                return (Accumulator(self.counted(part, part.action), self.value(part)),)
            case Quantile():
                return (
                    Accumulator(
                        f"{self.counted(part, part.action)} and {self.value(part)} is not null"
                    ),
                )
            case Average():
                value, counted = self.value(part), self.counted(part, part.action)
                present = f"{counted} and {value} is not null"
                return (Accumulator(counted, value), Accumulator(present))
            case Funnel() | Retention() | Distinct() | ActiveDays():
                return (Accumulator(f"completes = {self.derived.index(part)}"),)
            case _:
                message = (
                    f"{part.name!r} is {with_article(type(part))}, which needs a table with one row per "
                    "unit; of actions use Conversion, Total, Sum, Average, Quantile, Distinct, "
                    "ActiveDays, Funnel or Retention"
                )
                raise AnalysisError(message)

    def measure(self, part: Metric, *, of: str) -> str:
        """One metric's value for a unit, as SQL, before limits and logarithm.

        Args:
            part: A metric of one value per unit.
            of: What the columns of the accumulators begin with.
        """
        columns = [f"{of}{self.accumulators.index(a)}" for a in self.needed(part)]
        match part:
            case Conversion():
                return one_if(f"{columns[0]} >= {part.times}")
            case Average():
                total, count = columns
                return f"case when {count} > 0 then {total} / {count} else cast(0 as double) end"
            case Retention():
                return one_if(f"{columns[0]} > 0")
            case Funnel() if part.binary:
                return one_if(f"{columns[0]} > 0")
            case _:
                return f"coalesce({columns[0]}, cast(0 as double))"

    def text(self, part: Distinct) -> str:
        """The column of `done` that has the property of a metric."""
        return f"text_{self.texts.index((part.action, part.property))}"

    def value(self, part: Sum | Average | Quantile) -> str:
        """The column of the property of a metric."""
        return f"value_{self.values.index((part.action, part.property))}"

    @cached_property
    def _value_names(self) -> tuple[str, ...]:
        return tuple(f"value_{i}" for i in range(len(self.values)))

    @cached_property
    def _present(self) -> int:
        """Where the first measure of presence stands: after the metrics and their past."""
        return len(self.parts) + len(self.adjusted)

    @cached_property
    def _capped_from(self) -> int:
        return self._present + len(self.presences)

    @cached_property
    def _signed_from(self) -> int:
        return self._capped_from + len(self.capped)

    @cached_property
    def _divisors_from(self) -> int:
        return self._signed_from + len(self.signed)

    @cached_property
    def _attributes_from(self) -> int:
        return self._divisors_from + len(self.divisors)

    def _beside(self, metric: Metric) -> dict[str, int]:
        """What adjusts a metric beside its own past, by name, and where it stands.

        Nothing does of a quantile, nor of a metric that waits for a window: covariates are measured of all
        units.
        """
        parts = measured(metric)
        if isinstance(metric, Quantile) or self.counts_after(metric) is not None:
            return {}
        others = [p for p in self.covariates if p in self.past and p not in parts]
        past = {p.name: len(self.parts) + self.adjusted.index(p) for p in others}
        told = {each.name: self._attributes_from + i for i, each in enumerate(self.attributes)}
        return past | told

    def _divisor(self, metric: Metric) -> int | None:
        """Where it stands whether the divisor of a ratio is above 0."""
        if not isinstance(metric, Ratio) or metric.denominator not in self.divisors:
            return None
        return self._divisors_from + self.divisors.index(metric.denominator)

    def _presence(self, metric: Metric) -> tuple[str, ...]:
        """What tells that a unit was there before; nothing if CUPED does not adjust the metric."""
        parts = measured(metric)
        if not all(part in self.past for part in parts):
            return ()
        return tuple(sorted({name for part in parts for name in self.past[part]}))

    def _estimand(self, metric: Metric) -> Estimand:
        parts = measured(metric)
        presence = self._presence(metric)
        before = {p: len(self.parts) + self.adjusted.index(p) for p in parts} if presence else {}
        return Estimand(
            metric=metric,
            places={part: self.parts.index(part) for part in parts},
            before=before,
            beside=self._beside(metric),
            present=self._present
            + self.presences_after.index((presence, self.counts_after(metric)))
            if presence
            else None,
            capped=self._capped_from + self.capped.index(metric) if metric in self.capped else None,
            negative=self._signed_from + self.signed.index(metric)
            if metric in self.signed
            else None,
            divided=self._divisor(metric),
        )


def actions_of(part: Metric) -> tuple[str, ...]:
    """The names of the actions that a metric of one value per unit needs."""
    match part:
        case Conversion() | Total() | Sum() | Average() | Quantile() | Distinct() | ActiveDays():
            return (part.action,)
        case Funnel():
            return part.steps
        case Retention():
            return (part.start, part.returning)
        case Mean() | Ratio() | Formula():
            return ()
        case _:
            return ()
