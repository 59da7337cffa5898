"""Params: what assign() writes into."""

from collections.abc import Iterator, Mapping, MutableMapping
from copy import copy
from typing import TYPE_CHECKING, Any, Final, cast

from abkit.assignment._planout import PlanOutOp
from abkit.assignment.operators import execute, is_known


class Params(MutableMapping[str, Any]):
    """The parameters of one unit; a random operator that is written becomes its value.

    Parameters are attributes and items alike, and may have any name: `params.items` works.
    A name that was overridden keeps its value, whatever is written.

    Args:
        experiment_salt: The experiment's salt; assigning `params.experiment_salt` replaces it.
        overrides: Values that `assign()` cannot change.
    """

    __slots__ = ("__dict__", "_overrides", "_randomized", "_salt")

    _salt: str
    _overrides: Mapping[str, Any]
    _randomized: bool

    salt_sep: Final = "."

    def __init__(self, experiment_salt: str, overrides: Mapping[str, Any] | None = None) -> None:
        _set_salt(self, experiment_salt)
        _set_overrides(self, overrides)
        _set_randomized(self, False)
        if overrides:
            self.__dict__.update(overrides)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._overrides and name in self._overrides:
            return
        if isinstance(value, PlanOutOp):
            value = self._execute(name, value)
        if name == "experiment_salt":
            _set_salt(self, value)
        else:
            self.__dict__[name] = value

    def _execute(self, name: str, operator: PlanOutOp) -> Any:
        _set_randomized(self, True)
        if is_known(operator):
            return execute(operator, experiment_salt=self._salt, name=name)
        # A user's own operator. It may be executed again under another name: its salt is not kept.
        own = copy(operator)
        own.args = {"salt": name, **operator.args}
        return own.execute(self)

    if TYPE_CHECKING:
        experiment_salt: str

        def __getattr__(self, name: str) -> Any: ...

    else:

        @property
        def experiment_salt(self):
            """The salt that the operators hash with."""
            return self._salt

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
        return _restored, (self._salt, self._overrides, self._randomized, self.__dict__)


def was_randomized(params: Params) -> bool:
    """Whether a random operator was executed for these parameters."""
    return params._randomized


def _restored(salt: str, overrides: Any, randomized: bool, values: dict[str, Any]) -> Params:
    """A copied or unpickled Params: its values are set without executing anything again."""
    params = Params(salt, overrides)
    _set_randomized(params, randomized)
    params.__dict__.update(values)
    return params


# Slots are set by their descriptors: `__setattr__` belongs to the parameters.
_set_salt = cast("Any", Params.__dict__["_salt"]).__set__
_set_overrides = cast("Any", Params.__dict__["_overrides"]).__set__
_set_randomized = cast("Any", Params.__dict__["_randomized"]).__set__
