"""What a class declares, read and checked."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from abkit.errors import DeclarationError, OperatorError
from abkit.events import Variant, variant_text
from abkit.experiments.declaring.declaration import Bucketing, Declaration
from abkit.experiments.declaring.declared_metrics import check_metrics, check_plan, instances
from abkit.experiments.declaring.names import check_names
from abkit.experiments.declaring.subjects import unit_id_of, why_no_id

if TYPE_CHECKING:
    from abkit.experiments.declaring.holdout import Holdout
    from abkit.experiments.declaring.layer import Layer


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


# Layers, holdouts and catalogues are imported by who declares some: a service that only asks for variants
# should start at once.


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

    found: tuple[Holdout, ...] = instances(name, "holdouts", holdouts, Holdout)
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
