"""The metrics that a project has declared once, and how experiments use them by name. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from attrs import evolve, frozen

from abkit.errors import DeclarationError, suggestion
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.declared_metrics import check_plan
from abkit.experiments.declaring.metrics import Metric

_SHOWN = 10


@frozen
class MetricByName(Metric):
    """The name of a metric, until the catalogue that has it is known.

    It can be compared and listed, not measured.
    """


@frozen
class Catalogue:
    """Metrics by their names.

    Attributes:
        where: Where they are declared, such as "METRICS of shop.config".
        metrics: The metrics by name, in the order of the declaration.
    """

    where: str
    metrics: Mapping[str, Metric]

    @classmethod
    def of(cls, metrics: Any, *, where: str) -> "Catalogue":
        """The catalogue of a list of metrics. One that is listed twice is one metric.

        Args:
            metrics: The list.
            where: Where it is declared, for messages.

        Raises:
            DeclarationError: It is no list of metrics, or two that differ have one name.
        """
        if isinstance(metrics, str | Mapping) or not isinstance(metrics, Iterable):
            problem = (
                f'must be a list of metrics, such as [Conversion("signed up")], not {metrics!r}'
            )
            raise DeclarationError(where, problem)
        found: dict[str, Metric] = {}
        for metric in metrics:
            if not isinstance(metric, Metric) or isinstance(metric, MetricByName):
                problem = f'must hold metrics, such as Conversion("signed up"), not {metric!r}'
                raise DeclarationError(where, problem)
            first = found.setdefault(metric.name, metric)
            if (first, first.declared_role) != (metric, metric.declared_role):
                problem = (
                    f"has two metrics named {metric.name!r} that differ: {first!r} and {metric!r}; give "
                    "one of them another name"
                )
                raise DeclarationError(where, problem)
        return cls(where, MappingProxyType(found))

    def __iter__(self) -> Iterator[Metric]:
        return iter(self.metrics.values())

    def __len__(self) -> int:
        return len(self.metrics)

    def find(self, name: str, *, experiment: str) -> Metric:
        """The metric of a name.

        Args:
            name: The name.
            experiment: The experiment that uses it, for the message.

        Raises:
            DeclarationError: There is none of that name.
        """
        found = self.metrics.get(name)
        if found is None:
            known = [*self.metrics]
            few = ", ".join(map(repr, known[:_SHOWN])) + (", ..." if len(known) > _SHOWN else "")
            problem = (
                f"uses the metric {name!r}, which {self.where} does not have."
                f"{suggestion(name, known)} It has {few or 'none'}."
            )
            raise DeclarationError(experiment, problem)
        return found


def by_name(metrics: Any) -> Any:
    """The metrics that an experiment declares, each text in them taken for the name of one."""
    if isinstance(metrics, str) or not isinstance(metrics, Iterable):
        return metrics
    return tuple(MetricByName(metric) if isinstance(metric, str) else metric for metric in metrics)


class _WithMetrics(Protocol):
    """What declares metrics."""

    @property
    def metrics(self) -> Sequence[Metric]:
        """Its metrics."""
        ...


def unresolved(declaration: _WithMetrics) -> tuple[str, ...]:
    """The names of which a declaration does not know the metrics yet."""
    return tuple(each.name for each in declaration.metrics if isinstance(each, MetricByName))


def resolved(declaration: Declaration, catalogue: Catalogue) -> Declaration:
    """The declaration with the metrics that its names stand for.

    Raises:
        DeclarationError: The catalogue has no metric of a name, or the plan does not go with one.
    """
    if not unresolved(declaration):
        return declaration
    metrics = tuple(
        catalogue.find(each.name, experiment=declaration.name)
        if isinstance(each, MetricByName)
        else each
        for each in declaration.metrics
    )
    check_plan(declaration.name, declaration.plan, metrics)
    return declaration._replace(metrics=metrics)


def definition(metric: Metric) -> Metric:
    """What a metric measures, without what each experiment wants of it: role, goal and margin."""
    return evolve(metric, role=None, goal=None, margin=None)


def unlike_the_catalogue(declaration: Declaration, catalogue: Catalogue) -> Sequence[str]:
    """The metrics that a declaration defines otherwise than the catalogue has them, in sentences."""
    return tuple(
        f"{declaration.name}: defines {metric.name!r} otherwise than {catalogue.where}: "
        f"{definition(metric)!r} instead of {definition(known)!r}; use it by name, or give it another one"
        for metric in declaration.metrics
        if (known := catalogue.metrics.get(metric.name)) is not None
        and not isinstance(metric, MetricByName)
        and definition(metric) != definition(known)
    )
