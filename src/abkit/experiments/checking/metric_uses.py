"""Which experiments use which metric, and what for. Pure."""

from collections.abc import Iterable

from attrs import frozen

from abkit.experiments.declaring.catalogue import Catalogue, definition
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.metrics import Metric, Role, with_roles


@frozen(kw_only=True)
class Use:
    """An experiment's use of a metric.

    Attributes:
        experiment: The name of the experiment.
        unit_type: Whom it randomizes, and so whose metric it is there.
        role: What the metric is for.
    """

    experiment: str
    unit_type: str
    role: Role


@frozen(kw_only=True)
class UsedMetric:
    """A metric, and who uses it.

    Attributes:
        metric: The metric, as the catalogue has it; else as the first experiment declares it.
        in_catalogue: Whether the catalogue has it.
        uses: The experiments that use it, in their order.
    """

    metric: Metric
    in_catalogue: bool
    uses: tuple[Use, ...] = ()

    @property
    def unit_types(self) -> tuple[str, ...]:
        """The types of unit that it is measured of, each once."""
        return tuple(dict.fromkeys(use.unit_type for use in self.uses))


def used_metrics(
    catalogue: Catalogue | None, declarations: Iterable[Declaration]
) -> tuple[UsedMetric, ...]:
    """The metrics of a catalogue, and after them what experiments declare that is defined otherwise.

    Args:
        catalogue: The metrics of the project; None: it has no such list.
        declarations: Of the experiments.
    """
    metrics: dict[Metric, Metric] = {definition(each): each for each in catalogue or ()}
    known = {*metrics}
    uses: dict[Metric, list[Use]] = {}
    for declaration in declarations:
        for metric in with_roles(declaration.metrics):
            what = definition(metric)
            metrics.setdefault(what, metric)
            uses.setdefault(what, []).append(
                Use(experiment=declaration.name, unit_type=declaration.unit_type, role=metric.role)
            )
    return tuple(
        UsedMetric(metric=metric, in_catalogue=what in known, uses=tuple(uses.get(what, ())))
        for what, metric in metrics.items()
    )
