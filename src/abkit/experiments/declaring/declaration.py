"""An experiment's class, read and checked once, as one frozen value."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from abkit.errors import AnalysisError, DeclarationError, OperatorError
from abkit.events import Variant, variant_text
from abkit.experiments.declaring.names import check_names
from abkit.experiments.declaring.subjects import unit_id_of, why_no_id

if TYPE_CHECKING:
    from abkit.experiments.declaring.analysis_plan import AnalysisPlan
    from abkit.experiments.declaring.holdout import Holdout
    from abkit.experiments.declaring.layer import Layer
    from abkit.experiments.declaring.metrics import Metric


class Bucketing(StrEnum):
    """How a unit is hashed into a variant."""

    PLANOUT = "planout"
    AMPLITUDE = "amplitude"


class Declaration(NamedTuple):
    """All that a class declares; the runtime, the analysis and the front end read it.

    Attributes:
        name: What it is called in code, events and reports.
        salt: What its hashes begin with; a new salt randomizes anew.
        unit_type: What is randomized, such as "org".
        param_name: The parameter that is the variant.
        weights: The variants in their order, each with its weight; empty if only `assign()` knows.
        control: The variant that the others are compared with; None if only `default_value()` knows.
        bucketing: How a unit is hashed.
        rollout: The share of units that is enrolled, from 0 to 1.
        starts: When it begins, in seconds since the epoch; None if it always did.
        ends: When it is over; None if it never is.
        enabled: Whether it runs at all.
        winner: What everybody gets once it is concluded; None while it runs.
        forced: The variant of each unit of the allow-list, by unit id.
        layer: The layer that it shares with other experiments.
        slots: Its slots in that layer.
        holdouts: The holdouts that keep units out of it.
        metrics: What success means. Metrics that are used by name are names until a catalogue is read.
        hypothesis: What is expected to happen, and why.
        owner: Whom to ask.
        plan: How it will be judged; None: as the project says, or by default.
        sticky: Whether a unit keeps the variant that it was exposed to, whatever is declared later.
        frozen: Whether nobody new is enrolled: only units that keep a variant take part.
    """

    name: str
    salt: str
    unit_type: str
    param_name: str
    weights: Mapping[Variant, float]
    control: Variant | None
    bucketing: Bucketing
    rollout: float
    starts: float | None
    ends: float | None
    enabled: bool
    winner: Variant | None
    forced: Mapping[str, Variant]
    layer: "Layer | None"
    slots: range | frozenset[int]
    holdouts: "tuple[Holdout, ...]"
    metrics: "tuple[Metric, ...]"
    hypothesis: str
    owner: str
    sticky: bool = False
    frozen: bool = False
    plan: "AnalysisPlan | None" = None

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The declared variants, in their order."""
        return tuple(self.weights)

    def __repr__(self) -> str:
        told = (f"{name}={value!r}" for name, value in self._asdict().items() if name != "slots")
        return f"Declaration({', '.join(told)})"

    def variant_of(self, value: object) -> Variant:
        """The declared variant that a value or its text means: 1 and "1" are the same one.

        Texts come from the command line, settings, URLs and tests; "true" and "True" are both True.

        Raises:
            DeclarationError: It is none of the declared variants.
        """
        if not self.weights:
            return self._like_the_control(value)
        text = variant_text(value)
        for variant in self.weights:
            if variant_text(variant) == text:
                return variant
        for variant in self.weights:
            if isinstance(variant, bool) and variant_text(variant) == text.lower():
                return variant
        raise DeclarationError(
            self.name, f"has the variants {_listed(self.weights)}, not {value!r}"
        )

    def _like_the_control(self, value: object) -> Variant:
        """Where only code knows the variants: a text means what the control is, a bool or a number."""
        if not isinstance(value, str | int | float):
            raise DeclarationError(self.name, f"a variant must be text or a number, not {value!r}")
        if not isinstance(value, str) or isinstance(self.control, str | None):
            return value
        try:
            if isinstance(self.control, bool):
                return {"true": True, "false": False}[value.lower()]
            return type(self.control)(value)
        except (KeyError, ValueError):
            kind = type(self.control).__name__
            problem = f"has the control {self.control!r}; {value!r} is no {kind} as that is"
            raise DeclarationError(self.name, problem) from None


def declaration_of(cls: type[Any], *, name: str, salt: str) -> Declaration:
    """Read and check what a class declares.

    Args:
        cls: The experiment class.
        name: Its name.
        salt: Its salt.

    Raises:
        DeclarationError: Something in it cannot be; the message says what would be right.
    """
    check_names(name, cls.unit_type, salt, cls.param_name)
    weights = _weights(name, cls.variants)
    layer, slots = _layer(name, cls)
    metrics = check_metrics(name, _named(cls.metrics))
    starts, ends = _moment(name, "starts", cls.starts), _moment(name, "ends", cls.ends)
    if starts is not None and ends is not None and ends <= starts:
        raise DeclarationError(name, f"ends ({cls.ends}) before it starts ({cls.starts})")
    declaration = Declaration(
        name=name,
        salt=salt,
        unit_type=cls.unit_type,
        param_name=cls.param_name,
        weights=weights,
        control=next(iter(weights), None) if cls.control is None else cls.control,
        bucketing=_bucketing(name, cls.bucketing),
        rollout=cls.rollout,
        starts=starts,
        ends=ends,
        enabled=bool(cls.enabled),
        winner=cls.winner,
        forced=MappingProxyType(forced_units(name, cls.forced)),
        layer=layer,
        slots=slots,
        holdouts=_holdouts(name, cls.holdouts),
        metrics=metrics,
        hypothesis=cls.hypothesis,
        owner=cls.owner,
        sticky=_yes_or_no(name, "sticky", cls.sticky),
        plan=check_plan(name, cls.plan, metrics),
    )
    check_rollout(declaration, declaration.rollout)
    check_frozen(declaration, cls.frozen)

    def own(value: Variant | None) -> Variant | None:
        return None if value is None else declaration.variant_of(value)

    forced = {
        unit_id: declaration.variant_of(value) for unit_id, value in declaration.forced.items()
    }
    return declaration._replace(
        frozen=cls.frozen,
        control=own(declaration.control),
        winner=own(declaration.winner),
        forced=MappingProxyType(forced),
    )


def check_rollout(declaration: Declaration, rollout: object) -> None:
    """Refuse a rollout that the experiment cannot have.

    Raises:
        DeclarationError: It is not a share, or not a whole percentage where Amplitude buckets.
    """
    from abkit.experiments.declaring.share import check_share

    check_share(declaration.name, "rollout", rollout)
    if declaration.bucketing is Bucketing.AMPLITUDE and isinstance(rollout, float):
        percent = rollout * 100
        if abs(percent - round(percent)) > 1e-9:
            problem = f"Amplitude's bucketing allocates whole percentages; `rollout` is {rollout!r}"
            raise DeclarationError(declaration.name, problem)


def check_frozen(declaration: Declaration, frozen: object) -> None:
    """Refuse to freeze an experiment of which nobody knows whom it has exposed.

    Raises:
        DeclarationError: It is not sticky, or `frozen` is neither True nor False.
    """
    if _yes_or_no(declaration.name, "frozen", frozen) and not declaration.sticky:
        problem = (
            "cannot be frozen: that keeps the units which were exposed and lets no other in, and a hash "
            "does not know who was; declare `sticky = True`, and give the manager a sticky store"
        )
        raise DeclarationError(declaration.name, problem)


def _yes_or_no(name: str, attribute: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise DeclarationError(name, f"`{attribute}` must be True or False, not {value!r}")
    return value


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(repr, values))


def _weights(name: str, variants: Any) -> Mapping[Variant, float]:
    """The variants with their weights; equal ones if only a list is declared."""
    if variants is None:
        return MappingProxyType({})
    if isinstance(variants, str) or not isinstance(variants, Mapping | Sequence):
        problem = f'`variants` must look like {{"0": 0.5, "1": 0.5}}, not {variants!r}'
        raise DeclarationError(name, problem)
    if not variants:
        problem = '`variants` is empty; an experiment needs some, such as {"0": 0.5, "1": 0.5}'
        raise DeclarationError(name, problem)
    for variant in variants:
        if not isinstance(variant, str | int | float) or str(variant) == "nan":
            problem = f"a variant must be text, a number or a bool, not {variant!r}"
            if isinstance(variant, list | tuple | dict):
                problem += '; weights go into a dict: variants = {"0": 0.5, "1": 0.5}'
            raise DeclarationError(name, problem)
    weights = dict(variants) if isinstance(variants, Mapping) else dict.fromkeys(variants, 1.0)
    if len({variant_text(variant) for variant in weights}) < len(variants):
        problem = f"two of the variants {_listed(variants)} are the same in events and tables"
        raise DeclarationError(name, problem)
    from abkit.assignment.weights import cumulative_weights

    try:
        cumulative_weights(tuple(weights.values()))
    except OperatorError as error:
        raise DeclarationError(name, f"the weights of the variants {error.problem}") from None
    return MappingProxyType(weights)


def _bucketing(name: str, value: object) -> Bucketing:
    try:
        return Bucketing(str(value))
    except ValueError:
        problem = f"`bucketing` must be one of {_listed(map(str, Bucketing))}, not {value!r}"
        raise DeclarationError(name, problem) from None


def _moment(name: str, attribute: str, value: object) -> float | None:
    """A date, a time or its ISO text in seconds since the epoch; a date is its first moment in UTC."""
    if value is None:
        return None
    from datetime import UTC, date, datetime

    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            problem = f'`{attribute}` must be a date or a time such as "2026-11-22", not {value!r}'
            raise DeclarationError(name, problem) from None
        if value.tzinfo is None:
            value = value.replace(tzinfo=UTC)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            problem = f"`{attribute}` needs a time zone, such as datetime(..., tzinfo=UTC)"
            raise DeclarationError(name, problem)
        return value.timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    problem = f"`{attribute}` must be a date, a datetime or an ISO text, not {value!r}"
    raise DeclarationError(name, problem)


def forced_units(name: str, forced: Any) -> dict[str, Variant]:
    """An allow-list turned round: unit id to variant.

    Raises:
        DeclarationError: It is no allow-list.
    """
    if not isinstance(forced, Mapping):
        problem = f'`forced` must look like {{"1": ["unit-id", ...]}}, not {forced!r}'
        raise DeclarationError(name, problem)
    units: dict[str, Variant] = {}
    for variant, unit_ids in forced.items():
        if isinstance(unit_ids, str) or not isinstance(unit_ids, Iterable):
            problem = f"`forced[{variant!r}]` must be a list of unit ids, not {unit_ids!r}"
            raise DeclarationError(name, problem)
        for unit in unit_ids:
            unit_id = unit_id_of(unit)
            if unit_id is None:
                problem = f"`forced[{variant!r}]` must hold unit ids; one {why_no_id(unit)}"
                raise DeclarationError(name, problem)
            if units.setdefault(unit_id, variant) != variant:
                problem = f"forces unit {unit_id!r} into {units[unit_id]!r} and into {variant!r}"
                raise DeclarationError(name, problem)
    return units


# Layers, holdouts and metrics are imported by who declares some: most programs import them anyway, but a
# service that only asks for variants should start at once.


def _layer(name: str, cls: type[Any]) -> "tuple[Layer | None, range | frozenset[int]]":
    layer, slots = cls.layer, cls.slots
    if layer is None:
        if slots is not None:
            raise DeclarationError(name, "has `slots` but no `layer`")
        return None, range(0)
    from abkit.experiments.declaring.layer import Layer, check_slots

    if not isinstance(layer, Layer):
        raise DeclarationError(name, f'`layer` must be a Layer("name"), not {layer!r}')
    return layer, check_slots(name, layer, () if slots is None else slots)


def _holdouts(name: str, holdouts: Any) -> "tuple[Holdout, ...]":
    if holdouts == ():
        return ()
    from abkit.experiments.declaring.holdout import Holdout

    found: tuple[Holdout, ...] = _instances(name, "holdouts", holdouts, Holdout)
    names = [holdout.name for holdout in found]
    for each in names:
        if each == name:
            problem = f"has a holdout of its own name, {each!r}; give one of them another name"
            raise DeclarationError(name, problem)
        if names.count(each) > 1:
            raise DeclarationError(name, f"has two holdouts named {each!r}; declare it once")
    return found


def _named(metrics: Any) -> Any:
    """The metrics, each text in them taken for the name of one."""
    if metrics == ():
        return ()
    from abkit.experiments.declaring.catalogue import by_name

    return by_name(metrics)


def check_metrics(name: str, metrics: Any) -> "tuple[Metric, ...]":
    """The metrics that somebody declares.

    Raises:
        DeclarationError: They are no metrics, or two have one name.
    """
    if metrics == ():
        return ()
    from abkit.experiments.declaring.metrics import Metric

    found = _instances(name, "metrics", metrics, Metric)
    names = [metric.name for metric in found]
    for each in names:
        if names.count(each) > 1:
            problem = f"has two metrics named {each!r}; give one of them another name"
            raise DeclarationError(name, problem)
    return found


def check_plan(name: str, plan: Any, metrics: "tuple[Metric, ...]") -> "AnalysisPlan | None":
    """The plan that somebody declares.

    Raises:
        DeclarationError: It is no plan, or does not go with the metrics.
    """
    if plan is None:
        return None
    from abkit.experiments.declaring.analysis_plan import AnalysisPlan

    if not isinstance(plan, AnalysisPlan):
        problem = f"`plan` must be an AnalysisPlan(...), such as AnalysisPlan(confidence=0.9), not {plan!r}"
        raise DeclarationError(name, problem)
    if isinstance(plan.cuped, Mapping):
        problem = "`plan`: cuped must be a length of time, such as timedelta(days=14); columns are for tables"
        raise DeclarationError(name, problem)
    try:
        plan.check(metrics)
    except AnalysisError as error:
        raise DeclarationError(name, f"`plan`: {error}") from None
    return plan


def _instances(name: str, attribute: str, values: Any, kind: Callable[..., Any]) -> tuple[Any, ...]:
    wanted = kind.__name__
    if isinstance(values, str) or not isinstance(values, Iterable):
        problem = f"`{attribute}` must be a list of {wanted}, not {values!r}"
        raise DeclarationError(name, problem)
    found = tuple(values)
    for value in found:
        if not isinstance(value, kind):  # type: ignore[arg-type]
            problem = f"`{attribute}` must hold {wanted} declarations, not {value!r}"
            if isinstance(value, str):
                example = (
                    f"Conversion({value!r})" if wanted == "Metric" else f"{wanted}({value!r}, 0.05)"
                )
                problem += f"; perhaps {example}"
            raise DeclarationError(name, problem)
    return found
