"""Forced variants, for tests and for previews."""

import os
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from functools import cache, wraps
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeVar, cast

from abkit.errors import ConfigError
from abkit.events import Variant

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Forced = Mapping[str, Variant]

FORCE_VARIABLE = "ABKIT_FORCE"

forced_here: ContextVar[_Forced | None] = ContextVar("abkit_forced", default=None)
"""What `force` forces in this thread and task, by experiment name; None if nothing."""


class Force:
    """A context manager that forces variants; created by `force`.

    It can be entered several times, also nested, and it decorates functions and coroutine
    functions. At the end, the previous state is restored, even after an exception.
    """

    def __init__(self, variants: _Forced) -> None:
        self._variants = MappingProxyType({**variants})
        # Tokens belong to one context, so they are kept in one: threads and tasks may share a Force.
        self._tokens: ContextVar[tuple[Token[_Forced | None], ...]] = ContextVar("tokens")

    def __enter__(self) -> Self:
        """Start forcing."""
        token = forced_here.set(MappingProxyType({**(forced_here.get() or {}), **self._variants}))
        self._tokens.set((*self._tokens.get(()), token))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Restore the previous state."""
        *earlier, token = self._tokens.get()
        self._tokens.set(tuple(earlier))
        forced_here.reset(token)

    def __call__(self, function: _Function) -> _Function:
        """Force the variant while the function runs."""
        from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction

        if isgeneratorfunction(function) or isasyncgenfunction(function):
            message = (
                f"force() cannot decorate the generator {function.__qualname__}: "
                "write `with force(...):` inside it"
            )
            raise TypeError(message)
        if iscoroutinefunction(function):

            @wraps(function)
            async def forced_coroutine(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)

            return cast("_Function", forced_coroutine)

        @wraps(function)
        def forced(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return cast("_Function", forced)

    def __repr__(self) -> str:
        return (
            f"force({', '.join(f'{name}={variant!r}' for name, variant in self._variants.items())})"
        )


def force(experiment: str | type, variant: Variant) -> Force:
    """Force a variant of an experiment for every unit, in the current thread and task.

    Use it as a context manager (`with force("ShowPluginsExperiment", "1"):`) or as a decorator. A
    forced assignment has the reason `Reason.FORCED` and is not exposed.

    Args:
        experiment: The experiment's name or class.
        variant: The variant that `get` should return.
    """
    name = experiment if isinstance(experiment, str) else getattr(experiment, "name", None)
    if not isinstance(name, str) or not name:
        message = f"force() needs an experiment's name or class, not {experiment!r}"
        raise TypeError(message)
    return Force({name: variant})


@cache
def forced_in_process() -> _Forced:
    """What ABKIT_FORCE forces on the whole process; it is read once.

    Raises:
        ConfigError: It has another form than `parse_forced` takes.
    """
    return parse_forced(os.environ.get(FORCE_VARIABLE, ""))


def parse_forced(text: str) -> _Forced:
    """The variants in a text such as "ShowPlugins=1,Other=0"; they are texts.

    Raises:
        ConfigError: The text has another form.
    """
    variants: dict[str, Variant] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        name, equals, variant = (part.strip() for part in item.partition("="))
        if not (name and equals and variant):
            message = (
                f'{FORCE_VARIABLE} must look like "Experiment=variant,Other=variant", not {text!r}'
            )
            raise ConfigError(message)
        variants[name] = variant
    return MappingProxyType(variants)
