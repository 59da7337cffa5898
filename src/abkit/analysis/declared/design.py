"""What an analysis reads of an experiment's declaration."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Protocol, Self

from attrs import evolve, field, frozen

from abkit.analysis.declared.arguments import metrics, shares
from abkit.errors import AnalysisError, DeclarationError
from abkit.events import Variant
from abkit.events import variant_text as _text
from abkit.experiments.deciding.catalogues import declaration_with_metrics, without_catalogue
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.arguments import arguments_checked
from abkit.experiments.declaring.catalogue import unresolved
from abkit.experiments.declaring.experiment import Experiment, control_of
from abkit.experiments.declaring.metrics import Metric, Role


class Declared(Protocol):
    """An experiment, seen from the analysis: the classes of `abkit.experiments` are such."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def salt(self) -> str:
        """Names its randomization."""
        ...

    @property
    def unit_type(self) -> str:
        """What is randomized, such as "org"."""
        ...

    @property
    def control(self) -> Variant | None:
        """The variant that the others are compared with."""
        ...

    @property
    def weights(self) -> Mapping[Variant, float]:
        """The designed share of each variant."""
        ...

    @property
    def metrics(self) -> Sequence[Metric]:
        """What success means."""
        ...

    @property
    def hypothesis(self) -> str:
        """What is expected."""
        ...


_DECLARED = ("name", "salt", "unit_type", "control", "weights", "metrics", "hypothesis")
"""What an experiment declares that an analysis reads."""


@arguments_checked({})
@frozen(kw_only=True)
class Design:
    """What was planned, as a value; variants are text, as in the records of events.

    Attributes:
        name: The experiment's name.
        salt: The experiment's salt: exposures under another one belong to another randomization.
            None: whatever the salt.
        unit_type: What is randomized, such as "org" or "user".
        control: The variant that the others are compared with.
        weights: The designed share of each variant; empty if unknown, which
            means equal shares where the variants are about equal, and else no check of their sizes.
        metrics: What success means; the first primary one decides. Where no role is said, that is the
            first one, and those after it are secondary.
        hypothesis: What was expected.
        ends: When the experiment is over, UTC; None if it is not known.
        plan: How it is to be judged; None: as the project says, or by default.
        holdout_of: Of a holdout, the experiments that it is kept out of; empty for an experiment.
    """

    name: str
    salt: str | None = None
    unit_type: str = "user"
    control: str
    weights: Mapping[str, float] = field(factory=lambda: MappingProxyType({}), converter=shares)
    metrics: tuple[Metric, ...] = field(default=(), converter=metrics)
    hypothesis: str = ""
    ends: datetime | None = None
    plan: AnalysisPlan | None = None
    holdout_of: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, experiment: "type[Experiment] | Declared | Design", *, control: Variant | None = None
    ) -> Self:
        """The design that an experiment declares.

        Args:
            experiment: Its class, or what else has the attributes of `Declared`.
            control: Compare with this variant instead of the declared control, or, where none is
                declared, of what the class gives by default.

        Raises:
            AnalysisError: It is no experiment; or no control is declared, and none is given.
            DeclarationError: It uses a metric by name that no catalogue has.
        """
        if isinstance(experiment, cls):
            return experiment if control is None else evolve(experiment, control=_text(control))
        declared: Any = getattr(experiment, "declaration", None) or experiment
        if isinstance(experiment, type) and issubclass(experiment, Experiment):
            declared = declaration_with_metrics(experiment)
        if not all(hasattr(declared, name) for name in _DECLARED):
            message = (
                "The experiment must be its class, such as Analysis(SignupButton, ...), a "
                f"declaration, or a Design(...); not {experiment!r}"
            )
            raise AnalysisError(message)
        if names := unresolved(declared):
            raise DeclarationError(declared.name, without_catalogue(names))
        if control is None:
            if isinstance(experiment, type) and issubclass(experiment, Experiment):
                control = control_of(experiment)
            else:
                control = declared.control
        if control is None:
            message = f"{declared.name} declares no control; say which variant it is: control=..."
            raise AnalysisError(message)
        ends = getattr(declared, "ends", None)
        return cls(
            name=declared.name,
            salt=declared.salt,
            unit_type=declared.unit_type,
            control=_text(control),
            weights=MappingProxyType({_text(v): float(w) for v, w in declared.weights.items()}),
            metrics=tuple(declared.metrics),
            hypothesis=declared.hypothesis,
            ends=None if ends is None else datetime.fromtimestamp(ends, tz=UTC),
            plan=getattr(declared, "plan", None),
        )

    @property
    def deciding(self) -> Metric:
        """The metric that decides: the first primary one, or the first if all have other roles."""
        primary = [metric for metric in self.metrics if metric.role is Role.PRIMARY]
        return (primary or list(self.metrics))[0]
