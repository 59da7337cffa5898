"""PlanOut's random operators, bit for bit.

The classes are PlanOut's own (`planout.ops.random`); what executes them here is not. PlanOut hashes
SHA-1 of "{experiment salt}.{salt}.{units}", where the salt is the parameter's name unless given, and
takes the first 15 hexadecimal digits: an integer below 2**60.

Source: PlanOut's reference implementation (Bakshy, Eckles, Bernstein 2014), ops/random.py. Where it is
wrong, this is not: text is UTF-8 rather than ASCII, the caller's list of units is not changed, an operator
may be executed twice, and a wrong argument is an error rather than an assert.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from abkit.assignment._planout import (
    Args,
    BernoulliFilter,
    BernoulliTrial,
    FastSample,
    PlanOutOp,
    RandomFloat,
    RandomInteger,
    Sample,
    UniformChoice,
    WeightedChoice,
)
from abkit.assignment.hashing import hash_text, sha1, unit_text
from abkit.assignment.weights import cumulative_weights, digest_ends, uniform
from abkit.errors import OperatorError

Executor: TypeAlias = Callable[[Args, str, str], Any]


def salt_of(args: Args, experiment_salt: str, name: str) -> str:
    """What stands before the units in the hashed text, with the separator.

    Raises:
        OperatorError: The operator's own salt is no text.
    """
    if "salt" not in args and "full_salt" not in args:
        return f"{experiment_salt}.{name}."
    if "full_salt" in args:
        return f"{_text(args, 'full_salt')}."
    return f"{experiment_salt}.{_text(args, 'salt')}."


def _argument(args: Args, name: str) -> Any:
    try:
        return args[name]
    except KeyError:
        given = ", ".join(sorted(args)) or "nothing"
        raise OperatorError("operator", f"needs the argument `{name}`; got {given}") from None


def _text(args: Args, name: str) -> str:
    value = args[name]
    if not isinstance(value, str):
        raise OperatorError("operator", f"`{name}` must be a string, not {value!r}")
    return value


def _list(args: Args, name: str) -> Sequence[Any]:
    value = args.get(name)
    if not isinstance(value, (list, tuple)):
        _argument(args, name)
        raise OperatorError("operator", f"`{name}` must be a list, not {value!r}")
    return value


def _choices(args: Args) -> Sequence[Any]:
    choices = _list(args, "choices")
    if not choices:
        raise OperatorError("operator", "`choices` is empty: nothing can be chosen")
    return choices


def _number(args: Args, name: str) -> float:
    value = _argument(args, name)
    if not isinstance(value, int | float):
        raise OperatorError("operator", f"`{name}` must be a number, not {value!r}")
    return value


def _integer(args: Args, name: str) -> int:
    value = _argument(args, name)
    if not isinstance(value, int):
        raise OperatorError("operator", f"`{name}` must be an integer, not {value!r}")
    return value


def _probability(args: Args) -> float:
    p = _number(args, "p")
    if not 0 <= p <= 1:
        raise OperatorError("operator", f"`p` must be between 0 and 1, not {p!r}")
    return p


def _hash(args: Args, salt: str) -> int:
    return hash_text(salt + unit_text(_argument(args, "unit")))


def _appended_hashes(args: Args, salt: str) -> Callable[[object], int]:
    """The hash of the units with a value appended; None appends nothing.

    To a list of units PlanOut appends for good, so that each hash of one execution has all values of
    those before. So does this; but PlanOut leaves the values in the caller's list, and gives something
    else the next time.
    """
    unit = _argument(args, "unit")
    if type(unit) is list:
        units = [*unit]

        def hash_with(value: object) -> int:
            if value is not None:
                units.append(value)
            return hash_text(salt + unit_text(units))

        return hash_with
    return lambda value: hash_text(f"{salt}{unit}" if value is None else f"{salt}{unit}.{value}")


def _random_float(args: Args, salt: str) -> float:
    low, high = float(_number(args, "min")), float(_number(args, "max"))
    return low + (high - low) * uniform(_hash(args, salt))


def _random_integer(args: Args, salt: str) -> int:
    low, high = _integer(args, "min"), _integer(args, "max")
    if high < low:
        raise OperatorError("RandomInteger", f"`max` ({high}) must not be below `min` ({low})")
    return low + _hash(args, salt) % (high - low + 1)


def _bernoulli_trial(args: Args, salt: str) -> int:
    return 1 if uniform(_hash(args, salt)) <= _probability(args) else 0


def _bernoulli_filter(args: Args, salt: str) -> list[Any]:
    p = _probability(args)
    choices = _list(args, "choices")
    hash_with = _appended_hashes(args, salt)
    return [choice for choice in choices if uniform(hash_with(choice)) <= p]


def _uniform_choice(args: Args, salt: str) -> Any:
    choices = _choices(args)
    return choices[_hash(args, salt) % len(choices)]


def _weighted_choice(args: Args, experiment_salt: str, name: str) -> Any:
    # Most assign() methods do just this, at each request: hence no calls that can be avoided.
    try:
        choices, unit, ends = args["choices"], args["unit"], _known_ends[tuple(args["weights"])]
    except (KeyError, TypeError):
        return _weighted_choice_by_floats(args, salt_of(args, experiment_salt, name))
    if (
        len(args) != 3  # a salt of its own
        or type(choices) is not list
        or type(unit) is list
        or len(choices) != len(ends) + 1
    ):
        return _weighted_choice_by_floats(args, salt_of(args, experiment_salt, name))
    digest = sha1(f"{experiment_salt}.{name}.{unit}".encode()).digest()
    return choices[bisect_right(ends, digest)]


def known_ends(operator: PlanOutOp) -> list[bytes] | None:
    """Where the digests of each choice end; None if that was not found out, or the choice is not plain."""
    if type(operator) is not WeightedChoice:
        return None
    return _known_ends.get(tuple(operator.args["weights"]))


def _weighted_choice_by_floats(args: Args, salt: str) -> Any:
    """As PlanOut calculates; and if these weights come again, their ends are worth finding."""
    choices, weights = _choices(args), tuple(_list(args, "weights"))
    if len(choices) != len(weights):
        problem = f"has {len(choices)} choices and {len(weights)} weights: each needs one"
        raise OperatorError("WeightedChoice", problem)
    sums = cumulative_weights(weights)
    if weights in _seen_once and len(_known_ends) < 1024:
        _known_ends[weights] = digest_ends(weights)
    elif len(_seen_once) < 1024:
        _seen_once.add(weights)
    return choices[bisect_left(sums, sums[-1] * uniform(_hash(args, salt)))]


_known_ends: dict[tuple[float, ...], list[bytes]] = {}
"""A cache: weights that came twice, and where the digests of each choice end."""
_seen_once: set[tuple[float, ...]] = set()


def _draws(args: Args, available: int) -> int:
    if "draws" not in args:
        return available
    draws = _integer(args, "draws")
    if not 0 <= draws <= available:
        problem = f"cannot draw {draws} of {available} choices"
        raise OperatorError("Sample", problem)
    return draws


def _shuffle(items: list[Any], positions: Iterable[int], args: Args, salt: str) -> None:
    """Fisher and Yates, from the end."""
    hash_with = _appended_hashes(args, salt)
    for i in positions:
        j = hash_with(i) % (i + 1)
        items[i], items[j] = items[j], items[i]


def _sample(args: Args, salt: str) -> list[Any]:
    items = [*_list(args, "choices")]
    draws = _draws(args, len(items))
    _shuffle(items, range(len(items) - 1, 0, -1), args, salt)
    return items[:draws]


def _fast_sample(args: Args, salt: str) -> list[Any]:
    """As `Sample`, stopped once enough is drawn: other items than `Sample` gives."""
    items = [*_list(args, "choices")]
    draws = _draws(args, len(items))
    first = len(items) - draws
    _shuffle(items, range(len(items) - 1, max(first, 1) - 1, -1), args, salt)
    return items[first:] if 0 < first < len(items) else items[:draws]


def _salted(execute: Callable[[Args, str], Any]) -> Executor:
    """An executor that is given the salt ready to be hashed."""
    return lambda args, experiment_salt, name: execute(args, salt_of(args, experiment_salt, name))


EXECUTORS: dict[type[Any], Executor] = {
    BernoulliFilter: _salted(_bernoulli_filter),
    BernoulliTrial: _salted(_bernoulli_trial),
    FastSample: _salted(_fast_sample),
    RandomFloat: _salted(_random_float),
    RandomInteger: _salted(_random_integer),
    Sample: _salted(_sample),
    UniformChoice: _salted(_uniform_choice),
    WeightedChoice: _weighted_choice,
}
"""What executes each of PlanOut's own operators: given its arguments, the experiment's salt, and the name
of the parameter that is assigned."""
