"""Params: the object that assign() writes to."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from copy import copy
from typing import TYPE_CHECKING, Any, Final, cast

from abkit.assignment._planout import PlanOutOp, WeightedChoice
from abkit.assignment.drawing import teller
from abkit.assignment.hashing import sha1
from abkit.assignment.operators import EXECUTORS, known_ends

_SALT, _OVERRIDES, DRAWN, _LOOKED, _OPERATORS, _SPLITS = 0, 1, 2, 3, 4, 5
"""The places in a Params' environment: a plain list, because one is made for each request.

The salt; overrides or None; what random operators gave, by name, or None before anything is written;
whether the code has looked at some of that, so that what it writes may follow from it; the operators
by name, or the only one alone; and the splits that are known under this salt, by name. All parameters are
in the third, in the order in which they were first written: the code's own as `Written`.
"""


_MOST_SPLITS = 100


class Written:
    """Stands for the value of a parameter that no random operator gave."""


class Params(MutableMapping[str, Any]):
    """The parameters of one unit; a random operator that is written to it becomes its value.

    Parameters can be used as attributes and as items, and can have any name: `params.items` works.
    An overridden parameter keeps its value, whatever is written.

    Args:
        experiment_salt: The experiment's salt; assigning `params.experiment_salt` replaces it.
        overrides: Values that `assign()` cannot change.
    """

    # What code wrote is in the instance's own `__dict__`. What random operators gave is not: so reading
    # it comes to `__getattr__`, and it is known that it was looked at.
    __slots__ = ("__dict__", "_environment")

    salt_sep: Final = "."

    def __init__(self, experiment_salt: str, overrides: Mapping[str, Any] | None = None) -> None:
        set_environment(self, [experiment_salt, overrides, None, False, None, {}])
        if overrides:
            _keep_all(self, overrides)

    def __setattr__(self, name: str, value: Any) -> None:
        environment = self._environment
        if type(value) is WeightedChoice and environment[DRAWN] is None:
            # Most assign() methods do just this, at each request: hence no calls that can be avoided.
            split = environment[_SPLITS].get(name)
            args = value.args
            if split is not None and len(args) == 3:
                weights, ends, prefix = split
                try:
                    given, choices, unit = args["weights"], args["choices"], args["unit"]
                except KeyError:  # One of the three is a salt; what is missing is told below.
                    given = None
                if (
                    type(given) is list
                    and given == weights
                    and type(choices) is list
                    and len(choices) == len(weights)
                    and type(unit) is not list
                ):
                    digest = sha1(f"{prefix}{unit}".encode()).digest()
                    environment[DRAWN] = {name: choices[bisect_right(ends, digest)]}
                    environment[_OPERATORS] = value
                    return
        if environment[_OVERRIDES] is not None and name in environment[_OVERRIDES]:
            return
        executor, operator = EXECUTORS.get(type(value)), value
        if executor is not None:
            value = executor(operator.args, environment[_SALT], name)
            if environment[DRAWN] is None and name not in _NAMES_OF_THE_CLASS:
                environment[DRAWN] = {name: value}  # As _keep_drawn, without the call.
                environment[_OPERATORS] = operator
                _keep_split(environment, name, operator)
                return
        elif isinstance(value, PlanOutOp):
            # A user's own operator. It may be executed under another name too: its salt is not kept.
            own, operator = copy(value), None
            own.args = {"salt": name, **value.args}
            value = own.execute(self)
        elif name != "experiment_salt":
            _keep_written(self, name, value)
            return
        if name == "experiment_salt":
            environment[_SALT], environment[_SPLITS] = value, {}
        else:
            _keep_drawn(self, name, value, operator)

    if TYPE_CHECKING:
        experiment_salt: str
        _environment: list[Any]

    else:

        @property
        def experiment_salt(self):
            """The salt that the operators hash with."""
            return self._environment[_SALT]

    def __getattr__(self, name: str) -> Any:
        environment = self._environment
        value = (environment[DRAWN] or {}).get(name, Written)
        if value is Written:
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=self)
        _look(environment, name)
        return value

    def evaluate(self, value: Any) -> Any:
        """What PlanOut's operators ask of their environment: values stand for themselves."""
        return value

    def __getitem__(self, name: str) -> Any:
        written, environment = self.__dict__, self._environment
        if name in written:
            return written[name]
        value = (environment[DRAWN] or {})[name]
        _look(environment, name)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        self.__setattr__(name, value)

    def __delitem__(self, name: str) -> None:
        _operators(self._environment)
        del (self._environment[DRAWN] or {})[name]
        self.__dict__.pop(name, None)

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __contains__(self, name: object) -> bool:
        return name in (self._environment[DRAWN] or {})

    def __iter__(self) -> Iterator[str]:
        return iter(self._environment[DRAWN] or {})

    def __len__(self) -> int:
        return len(self._environment[DRAWN] or {})

    def __repr__(self) -> str:
        return f"Params({values_of(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._environment, self.__dict__)


def values_of(params: Params) -> dict[str, Any]:
    """All parameters, as a dict of its own; this is no look at them."""
    drawn, written = params._environment[DRAWN] or {}, params.__dict__
    return {name: written[name] if value is Written else value for name, value in drawn.items()}


def was_randomized(params: Params, name: str | None = None) -> bool:
    """Whether a random operator decided a parameter, or any of them.

    It did if its value is what the operator gave, or if the code has looked at what an operator gave: it may
    have decided by that what to write, or not to.
    """
    drawn, looked = params._environment[DRAWN], params._environment[_LOOKED]
    values = (drawn or {}).values() if name is None else [(drawn or {}).get(name, Written)]
    return looked or any(value is not Written for value in values)


def weigher(name: str) -> Callable[[object], str | None]:
    """What tells the weights with which a parameter was drawn, as an exposure does; each time of a Params.

    It gives None if no operator with known weights gave the parameter, or if the code has looked at it: then
    it may have decided by that what to write, and for whom. And None of what is no Params.
    """
    tell = teller()

    def weigh(params: object) -> str | None:
        if type(params) is not Params:
            return None
        _, _, drawn, _, operator, _ = params._environment
        if drawn is None or drawn.get(name, Written) is Written:
            return None
        if type(operator) is dict:
            operator = operator.get(name)
        return None if operator is None else tell(operator)

    return weigh


def mark_randomized(params: Params) -> None:
    """Note that whatever is written may follow from a random operator."""
    params._environment[_LOOKED] = True


def draw(
    params: Params,
    name: str,
    value: Callable[[], Any],
    operator: Callable[[], PlanOutOp | None] = lambda: None,
) -> None:
    """Write a parameter: if random operators are looked at on the way to its value, it is theirs alone.

    Args:
        params: What is written into.
        name: Of the parameter.
        value: Gives its value.
        operator: Gives the operator whose value that is; None if it is no such value.
    """
    environment = params._environment
    looked, environment[_LOOKED] = environment[_LOOKED], False
    params[name] = value()
    if environment[_LOOKED] and not is_overridden(params, name) and name in params.__dict__:
        _keep_drawn(params, name, params.__dict__[name], operator())
    environment[_LOOKED] = looked


def was_looked_at(params: Params) -> bool:
    """Whether the code has looked at what an operator gave: other parameters may follow from that."""
    return bool(params._environment[_LOOKED])


def is_overridden(params: Params, name: str) -> bool:
    """Whether a parameter keeps its value, whatever is written."""
    overrides = params._environment[_OVERRIDES]
    return overrides is not None and name in overrides


def override(params: Params, overrides: Mapping[str, Any]) -> None:
    """Give parameters values that are kept from now on, whatever is written."""
    kept = {**(params._environment[_OVERRIDES] or {}), **overrides}
    params._environment[_OVERRIDES] = kept
    _keep_all(params, kept)


def _look(environment: list[Any], name: str) -> None:
    environment[_LOOKED] = True
    _operators(environment)[name] = None


def _operators(environment: list[Any]) -> dict[str, Any]:
    """The operators by name; None for a parameter that was looked at."""
    known = environment[_OPERATORS]
    if not isinstance(known, dict):
        known = {} if known is None else {next(iter(environment[DRAWN])): known}
        environment[_OPERATORS] = known
    return known


def _keep_split(environment: list[Any], name: str, operator: PlanOutOp) -> None:
    """Note how a choice cuts the hash, for the next unit whose choice has the same weights."""
    splits = environment[_SPLITS]
    if name in splits or len(splits) >= _MOST_SPLITS:
        return  # If the code has other weights for others, these are calculated.
    ends = known_ends(operator)
    if ends is not None:
        splits[name] = [*operator.args["weights"]], ends, f"{environment[_SALT]}.{name}."


def _keep_drawn(params: Params, name: str, value: Any, operator: PlanOutOp | None = None) -> None:
    if name in _NAMES_OF_THE_CLASS:  # such a one is found before `__getattr__` is asked
        _keep_written(params, name, value)
        params._environment[_LOOKED] = True
        return
    environment = params._environment
    operators = _operators(environment)
    if operators.get(name, Written) is not None:  # what was looked at before stays unknown
        operators[name] = operator
    environment[DRAWN] = environment[DRAWN] or {}
    environment[DRAWN][name] = value
    params.__dict__.pop(name, None)


def _keep_written(params: Params, name: str, value: Any) -> None:
    environment = params._environment
    environment[DRAWN] = environment[DRAWN] or {}
    environment[DRAWN][name] = Written
    params.__dict__[name] = value


def _keep_all(params: Params, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        _keep_written(params, name, value)


def _restored(environment: list[Any], values: dict[str, Any]) -> Params:
    """A copied or unpickled Params: its values are set without executing anything again."""
    params = Params("")
    salt, overrides, drawn, looked, *_ = environment
    drawn = None if drawn is None else {**drawn}
    set_environment(params, [salt, overrides, drawn, looked, None, {}])
    params.__dict__.update(values)
    return params


overwrite = _keep_written
"""Give a parameter a value that no random operator gave, whatever it has."""

_NAMES_OF_THE_CLASS = frozenset(dir(Params))

# Set by its descriptor: `__setattr__` belongs to the parameters.
set_environment: Callable[[Params, list[Any]], None] = cast(
    "Any", Params.__dict__["_environment"]
).__set__
"""Give a Params its environment: [salt, overrides, what was drawn, whether that was looked at, by what, and
the splits that all Params of this salt share]."""
