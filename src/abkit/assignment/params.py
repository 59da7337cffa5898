"""Params: what assign() writes into."""

from collections.abc import Iterator, Mapping, MutableMapping
from copy import copy
from typing import TYPE_CHECKING, Any, Final, cast

from abkit.assignment._planout import PlanOutOp
from abkit.assignment.operators import EXECUTORS

_SALT, _OVERRIDES, _RANDOMIZED = 0, 1, 2
"""The places in a Params' environment: a plain list, because one is made for each request."""


class Params(MutableMapping[str, Any]):
    """The parameters of one unit; a random operator that is written becomes its value.

    Parameters are attributes and items alike, and may have any name: `params.items` works.
    A name that was overridden keeps its value, whatever is written.

    Args:
        experiment_salt: The experiment's salt; assigning `params.experiment_salt` replaces it.
        overrides: Values that `assign()` cannot change.
    """

    # The parameters are the instance's own `__dict__`; what is not one of them is in one slot.
    __slots__ = ("__dict__", "_environment")

    salt_sep: Final = "."

    def __init__(self, experiment_salt: str, overrides: Mapping[str, Any] | None = None) -> None:
        set_environment(self, [experiment_salt, overrides, False])
        if overrides:
            self.__dict__.update(overrides)

    def __setattr__(self, name: str, value: Any) -> None:
        environment = self._environment
        if environment[_OVERRIDES] is not None and name in environment[_OVERRIDES]:
            return
        executor = EXECUTORS.get(type(value))
        if executor is not None:
            environment[_RANDOMIZED] = True
            value = executor(value.args, environment[_SALT], name)
        elif isinstance(value, PlanOutOp):
            environment[_RANDOMIZED] = True
            # A user's own operator. It may be executed under another name too: its salt is not kept.
            own = copy(value)
            own.args = {"salt": name, **value.args}
            value = own.execute(self)
        if name == "experiment_salt":
            environment[_SALT] = value
        else:
            self.__dict__[name] = value

    if TYPE_CHECKING:
        experiment_salt: str
        _environment: list[Any]

        def __getattr__(self, name: str) -> Any: ...

    else:

        @property
        def experiment_salt(self):
            """The salt that the operators hash with."""
            return self._environment[_SALT]

    def evaluate(self, value: Any) -> Any:
        """What PlanOut's operators ask of their environment: values stand for themselves."""
        return value

    def __getitem__(self, name: str) -> Any:
        return self.__dict__[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.__setattr__(name, value)

    def __delitem__(self, name: str) -> None:
        del self.__dict__[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __len__(self) -> int:
        return len(self.__dict__)

    def __repr__(self) -> str:
        return f"Params({self.__dict__!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._environment, self.__dict__)


def was_randomized(params: Params) -> bool:
    """Whether a random operator was executed for these parameters."""
    randomized: bool = params._environment[_RANDOMIZED]
    return randomized


def mark_randomized(params: Params) -> None:
    """Note that a random operator is executed for these parameters."""
    params._environment[_RANDOMIZED] = True


def is_overridden(params: Params, name: str) -> bool:
    """Whether a parameter keeps its value, whatever is written."""
    overrides = params._environment[_OVERRIDES]
    return overrides is not None and name in overrides


def override(params: Params, overrides: Mapping[str, Any]) -> None:
    """Give parameters values that are kept from now on, whatever is written."""
    kept = {**(params._environment[_OVERRIDES] or {}), **overrides}
    params._environment[_OVERRIDES] = kept
    params.__dict__.update(kept)


def _restored(environment: list[Any], values: dict[str, Any]) -> Params:
    """A copied or unpickled Params: its values are set without executing anything again."""
    params = Params("")
    set_environment(params, [*environment])
    params.__dict__.update(values)
    return params


# Set by its descriptor: `__setattr__` belongs to the parameters.
set_environment = cast("Any", Params.__dict__["_environment"]).__set__
"""Give a Params its environment: [salt, overrides, whether an operator was executed]."""
