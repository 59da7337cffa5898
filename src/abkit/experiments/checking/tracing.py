"""Which variants an `assign()` can give, found by running it without a unit.

It is run again and again with stand-ins for its subjects and for what random operators draw: each time
that the code compares a stand-in, or draws, another answer is tried, until all were. So what it can give
is known from what was executed. What the code does besides, such as a query, it does then too.
"""

from collections.abc import Iterator, Sequence
from inspect import unwrap
from types import MappingProxyType
from typing import Any, NamedTuple

from abkit.assignment._planout import PlanOutOp, PlanOutOpRandom
from abkit.assignment.drawing import Drawn, drawn_by
from abkit.assignment.params import Params, values_of, was_randomized
from abkit.events import Variant, variant_text
from abkit.experiments.deciding.hooks import caller_of
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import Experiment, decides_in_code

_MARK = "\N{OBJECT REPLACEMENT CHARACTER}"
"""The text of a stand-in: a variant that has it in it is made of a subject, and not known."""

_MOST_RUNS = 256
_MOST_QUESTIONS = 100


class Traced(NamedTuple):
    """What an `assign()` can give.

    Attributes:
        variants: All of them, those of the operator that draws the variant first, in its order.
        weights: That operator's weights of its variants, if it is one and the same in all runs.
        randomizes: Whether a random operator draws the variant, or something that the code looks at.
    """

    variants: tuple[Variant, ...]
    weights: tuple[float, ...] | None
    randomizes: bool


def traced(experiment: type[Experiment]) -> Traced | None:
    """What the `assign()` of an experiment can give; None if that cannot be found out."""
    if not decides_in_code(experiment):
        return None
    try:
        runs = [*_runs(experiment)]
    # The user's code, which was not written for stand-ins: whatever it raises, nothing is known.
    except Exception:  # noqa: BLE001
        return None
    variants, drawn = [run.variant for run in runs], [run.drawn for run in runs if run.drawn]
    ordered = [*(choice for one in drawn for choice in one.choices), *variants]
    given = [each for each in ordered if each is not None]
    if not given or not all(map(_is_known, given)):
        return None
    found = tuple({variant_text(each): each for each in given}.values())
    weights = drawn[0].weights if drawn and all(one == drawn[0] for one in drawn) else None
    return Traced(found, weights, any(run.randomizes for run in runs))


def possible_variants(experiment: type[Experiment]) -> tuple[Variant, ...]:
    """The variants that an experiment declares, or those that its code can give; empty if nobody knows."""
    declared = experiment.declaration.variants
    found = None if declared else traced(experiment)
    if found is None:
        return declared
    # A setting, as one for tests, may have kept the code from drawing: then it can give more than it did.
    return found.variants if found.randomizes or not draws_in_code(experiment) else ()


def draws_in_code(experiment: type[Experiment]) -> bool:
    """Whether the code of `assign()` names a random operator, executed or not."""
    function = unwrap(experiment.assign)
    code, names = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    mentioned = [names.get(name) for name in getattr(code, "co_names", ())]
    return any(isinstance(each, type) and issubclass(each, PlanOutOpRandom) for each in mentioned)


def declaration_with_variants(experiment: type[Experiment]) -> Declaration:
    """What an experiment declares; where that is no variants, with those that its code can give.

    They are left out where the code was not seen to draw: a setting of the process, as one for tests, may
    have kept it from that. What the default value is belongs to them.
    """
    declaration = experiment.declaration
    found = None if declaration.variants else traced(experiment)
    if found is None or not found.randomizes:
        return declaration
    given = (experiment().default_value(), *found.variants)
    variants = {variant_text(each): each for each in given}
    return declaration._replace(weights=MappingProxyType(dict.fromkeys(variants.values(), 1.0)))


def _is_known(variant: object) -> bool:
    return type(variant) in {str, int, float, bool} and _MARK not in str(variant)


class _Run(NamedTuple):
    variant: Any
    drawn: Drawn | None
    randomizes: bool


class _UnknownError(Exception):
    """The code does something of which not all outcomes can be tried."""


class _Oracle:
    """Answers each question of the code; in the next run the last that has another answer gets that."""

    def __init__(self) -> None:
        self._answers: list[tuple[int, int]] = []
        self._asked = 0

    def choose(self, options: Sequence[Any]) -> Any:
        if self._asked == len(self._answers):
            self._answers.append((0, len(options)))
        if self._asked == _MOST_QUESTIONS:
            raise _UnknownError
        chosen, _ = self._answers[self._asked]
        self._asked += 1
        return options[chosen]

    def turn(self) -> bool:
        """Be ready for the next run; false if all answers were given."""
        self._asked = 0
        while self._answers:
            chosen, count = self._answers.pop()
            if chosen + 1 < count:
                self._answers.append((chosen + 1, count))
                return True
        return False


class _StandIn:
    """Stands for a subject, and for all that the code asks of it."""

    def __init__(self, oracle: _Oracle) -> None:
        self._oracle = oracle

    def __getattr__(self, name: str) -> "_StandIn":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def _another(self, *_: object, **__: object) -> "_StandIn":
        return self

    def _either(self, *_: object) -> bool:
        return bool(self._oracle.choose((False, True)))

    __call__ = __getitem__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _another
    __mod__ = __rmod__ = __floordiv__ = __truediv__ = __and__ = __or__ = __xor__ = _another
    __bool__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _either
    __eq__ = __ne__ = _either

    def __hash__(self) -> int:
        # In a set or as a key, what it could be equal to is not asked.
        raise _UnknownError

    def __iter__(self) -> "Iterator[_StandIn]":
        return iter([self] if self._either() else [])

    def __len__(self) -> int:
        return int(self._either())

    def __str__(self) -> str:
        return _MARK


class _StandIns(dict[str, Any]):
    """Subjects of every kind."""

    def __init__(self, oracle: _Oracle) -> None:
        super().__init__()
        self._oracle = oracle

    def get(self, _: str, __: Any = None) -> Any:
        return _StandIn(self._oracle)

    def __getitem__(self, _: str) -> Any:
        return _StandIn(self._oracle)

    def __contains__(self, _: object) -> bool:
        return True


class _Given(PlanOutOp):
    """Gives what the oracle chose."""

    def execute(self, _: Any) -> Any:
        return self.args["value"]


class _Recording(Params):
    """Parameters that note what random operators choose from, and let the oracle choose."""

    __slots__ = ("_drawn", "_oracle")

    def __setattr__(self, name: str, value: Any) -> None:
        drawn: dict[str, Drawn | None] = self._drawn
        drawn.pop(name, None)
        if isinstance(value, PlanOutOp):
            one = drawn[name] = drawn_by(value)
            given = self._oracle.choose(one.choices) if one else _StandIn(self._oracle)
            value = _Given(value=given)
        super().__setattr__(name, value)


def _recording(salt: str, oracle: _Oracle, drawn: dict[str, Drawn | None]) -> _Recording:
    params = object.__new__(_Recording)
    for name, value in (("_oracle", oracle), ("_drawn", drawn)):
        object.__setattr__(params, name, value)
    Params.__init__(params, salt)
    return params


def _runs(experiment: type[Experiment]) -> Iterator[_Run]:
    """Every way that the code can go.

    Raises:
        _UnknownError: There are too many.
        Exception: Whatever the code raises.
    """
    declaration, oracle = experiment.declaration, _Oracle()
    name, call = declaration.param_name, caller_of(experiment().assign, declaration, behind=1)
    for _ in range(_MOST_RUNS):
        drawn: dict[str, Drawn | None] = {}
        params = _recording(declaration.salt, oracle, drawn)
        outcome = call((params,), _StandIns(oracle))
        values = values_of(params)
        if was_randomized(params) and not drawn:
            raise _UnknownError  # A script draws by itself: its operators are not seen.
        variant = None if outcome is not None and not outcome else values.get(name)
        yield _Run(variant, drawn.get(name), was_randomized(params, name))
        if not oracle.turn():
            return
    raise _UnknownError
