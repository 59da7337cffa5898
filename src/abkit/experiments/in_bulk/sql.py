"""The declared assignment as an SQL expression: the variant where the units are.

Hashes are compared as hexadecimal text: "the hash lies below a bound" is "its 40 digits come before
the bound's 15", because the text that goes on comes after the one that it begins with.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from attrs import frozen

from abkit.assignment.assignment import Reason
from abkit.assignment.weights import HASH_RANGE
from abkit.errors import DeclarationError
from abkit.events import Variant
from abkit.experiments.deciding.decision import dormancy_of, split_of
from abkit.experiments.deciding.gates import rollout_prefix
from abkit.experiments.declaring.declaration import Bucketing, Declaration
from abkit.experiments.declaring.experiment import Experiment, decides_in_code
from abkit.experiments.declaring.layer import Layer
from abkit.experiments.declaring.share import share_bound
from abkit.experiments.in_bulk.assign import declaration_in_force, moment
from abkit.experiments.in_bulk.columns import Kind
from abkit.experiments.in_bulk.dialects import Dialect, dialect_of

_ALWAYS = "1 = 1"
_FEW_SLOTS = 64
"""So many are listed; of more, a text of zeros and ones is faster than their list."""


def assignment_sql(
    experiment: type[Experiment],
    unit_column: str | Sequence[str],
    *,
    dialect: str = "duckdb",
    now: float | None = None,
    declaration: Declaration | None = None,
) -> str:
    """An SQL expression that gives each unit's variant, as `ExperimentManager.get` does.

    It is null where the unit is null or the empty text. Variants keep their type; if they are of
    several, they are text. What `force()` and ABKIT_FORCE force is not in it, nor is what a sticky store
    keeps, which `SqlStickyStore` has in a table to be joined.

    Args:
        experiment: Its class; it must not decide in code.
        unit_column: The name of the column of the units' ids, as text or whole numbers; it is quoted.
            A sequence is a qualified name: ("orders", "user_id"). Of floats, databases make texts
            such as "42.0", another unit than 42: cast such a column to whole numbers first.
        dialect: One of `abkit.experiments.in_bulk.dialects.DIALECTS`.
        now: When, in seconds since the epoch: an experiment may not have begun or be over. The clock's
            time if not given; the database's clock is not asked.
        declaration: What is in force if that is not what the class says, such as
            `manager.declaration("ShowPlugins")` under settings.

    Raises:
        DeclarationError: The experiment cannot be written as SQL; the message says why.
        ConfigError: There is no such dialect, or a name or a text cannot be written in it.
    """
    declared = _writable(experiment, declaration)
    query = _Query(dialect_of(dialect), unit_column)
    rules = [*_rules(experiment, declared, query, moment(now))]
    kind = Kind.of([*declared.variants, *(rule.variant for rule in rules)])

    def value(variant: Variant) -> str:
        return query.dialect.value(variant, kind)

    arms = [(rule.condition, value(rule.variant)) for rule in rules]
    split = split_of(declared)
    starts = (0, *split.bounds)
    parts = [
        (end, value(choice))
        for choice, start, end in zip(split.choices, starts, split.bounds, strict=False)
        if start < end
    ]
    return query.case(arms, _parts(query, split.prefix, parts))


def reason_sql(
    experiment: type[Experiment],
    unit_column: str | Sequence[str],
    *,
    dialect: str = "duckdb",
    now: float | None = None,
    declaration: Declaration | None = None,
) -> str:
    """An SQL expression that gives the reason of each unit's variant: a text of `Reason`.

    Arguments and errors are those of `assignment_sql`.
    """
    declared = _writable(experiment, declaration)
    query = _Query(dialect_of(dialect), unit_column)
    rules = _rules(experiment, declared, query, moment(now))
    arms = [(rule.condition, query.dialect.constant(rule.reason)) for rule in rules]
    return query.case(arms, query.dialect.constant(Reason.ASSIGNED))


@frozen
class _Rule:
    """What a unit gets, and why, that fulfils a condition and none before it."""

    condition: str
    reason: Reason
    variant: Variant


class _Query:
    """Conditions on one column of units, in one dialect."""

    def __init__(self, dialect: Dialect, unit_column: str | Sequence[str]) -> None:
        self.dialect = dialect
        names = [unit_column] if isinstance(unit_column, str) else [*unit_column]
        column = ".".join(map(dialect.name, names)) or dialect.name("")
        self.unit = f"cast({column} as {dialect.text})"

    def hashed(self, prefix: str) -> str:
        return self.dialect.sha1.format(f"{self.dialect.constant(prefix)} || {self.unit}")

    def below(self, prefix: str, bound: int) -> str:
        return f"{self.hashed(prefix)} < '{bound:015x}'"

    def not_below(self, prefix: str, bound: int) -> str:
        return f"{self.hashed(prefix)} >= '{bound:015x}'"

    def in_slots(self, layer: Layer, slots: Iterable[int]) -> str:
        number = self.dialect.unhex.format(f"substr({self.hashed(layer.prefix)}, 1, 15)")
        slot = f"mod({number}, {layer.size})"
        taken = sorted(slots)
        if taken[-1] - taken[0] == len(taken) - 1:
            return f"{slot} between {taken[0]} and {taken[-1]}"
        if len(taken) <= _FEW_SLOTS:
            return f"{slot} in ({', '.join(map(str, taken))})"
        marks = ["0"] * (taken[-1] + 1)
        for one in taken:
            marks[one] = "1"
        return f"substr('{''.join(marks)}', cast({slot} as int) + 1, 1) = '1'"

    def is_any_of(self, unit_ids: Iterable[str]) -> str:
        return f"{self.unit} in ({', '.join(map(self.dialect.constant, unit_ids))})"

    def case(self, arms: Iterable[tuple[str, str]], otherwise: str) -> str:
        """Null without a unit; else the first arm whose condition is fulfilled."""
        written = [f"case when coalesce({self.unit}, '') = '' then null"]
        for condition, answer in arms:
            if condition == _ALWAYS:
                otherwise = answer
                break
            written.append(f"when {condition} then {answer}")
        return "\n  ".join([*written, f"else {otherwise} end"])


def _writable(experiment: type[Experiment], declaration: Declaration | None) -> Declaration:
    """Refuse what only Python can decide.

    Raises:
        DeclarationError: The experiment is such a one.
    """
    declared = declaration_in_force(experiment, declaration)
    why = (
        "decides in its assign()"
        if decides_in_code(experiment)
        else "decides in its eligible() whom it is for"
        if experiment.eligible is not Experiment.eligible
        else 'hashes with murmur3 (bucketing = "amplitude"), which databases lack or seed otherwise'
        if declared.bucketing is Bucketing.AMPLITUDE
        else None
    )
    if why is not None:
        problem = f"{why}; it cannot be written as SQL: use assign_many() and join its answer"
        raise DeclarationError(declared.name, problem)
    return declared


def _rules(
    experiment: type[Experiment], declaration: Declaration, query: _Query, now: float
) -> Iterator[_Rule]:
    """What stands before the split, in the order of `abkit.experiments.deciding.decision`."""
    default = experiment().default_value
    dormant = dormancy_of(declaration, lambda: now)
    if dormant is not None and dormant():
        winner = declaration.winner if declaration.enabled else None
        if winner is not None:
            yield from _holdouts(declaration, query, default)
        yield _Rule(_ALWAYS, Reason.INACTIVE, default() if winner is None else winner)
        return
    units: dict[Variant, list[str]] = {}
    for unit_id, variant in declaration.forced.items():
        units.setdefault(variant, []).append(unit_id)
    for variant, unit_ids in units.items():
        yield _Rule(query.is_any_of(unit_ids), Reason.FORCED, variant)
    yield from _holdouts(declaration, query, default)
    if declaration.layer is not None:
        outside = f"not ({query.in_slots(declaration.layer, declaration.slots)})"
        yield _Rule(outside, Reason.EXCLUDED, default())
    bound = 0 if declaration.frozen else share_bound(declaration.rollout)
    if bound < HASH_RANGE:
        outside = query.not_below(rollout_prefix(declaration), bound) if bound > 0 else _ALWAYS
        yield _Rule(outside, Reason.NOT_ENROLLED, default())


def _holdouts(
    declaration: Declaration, query: _Query, default: Callable[[], Variant]
) -> Iterator[_Rule]:
    for holdout in declaration.holdouts:
        if holdout.bound >= HASH_RANGE:
            yield _Rule(_ALWAYS, Reason.HOLDOUT, default())
        elif holdout.bound > 0:
            yield _Rule(query.below(holdout.prefix, holdout.bound), Reason.HOLDOUT, default())


def _parts(
    query: _Query,
    prefix: str,
    parts: Sequence[tuple[int, str]],
    *,
    low: int = 0,
    margin: str = "\n    ",
) -> str:
    """The variant by its hash, halving what is left: not every database hashes a unit only once.

    Args:
        query: The column.
        prefix: What is hashed before the unit's id.
        parts: Each part's end and answer, in order, none empty.
        low: Where the first part begins.
        margin: What every line begins with.
    """
    if len(parts) == 1:
        return parts[0][1]
    middle = (low + parts[-1][0]) / 2
    cut = min(range(1, len(parts)), key=lambda i: abs(parts[i - 1][0] - middle))
    end, deeper = parts[cut - 1][0], f"{margin}  "
    below = _parts(query, prefix, parts[:cut], low=low, margin=deeper)
    above = _parts(query, prefix, parts[cut:], low=end, margin=deeper)
    condition = query.below(prefix, end)
    return f"case when {condition}{margin}then {below}{margin}else {above} end"
