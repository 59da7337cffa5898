"""A choice in code whose weights come again is drawn by what is known of them: the answer is the same."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from abkit import ExperimentManager, OperatorError, Params, UserExperiment, WeightedChoice

USUAL: dict[str, Any] = {"choices": ["a", "b"], "weights": [0.3, 0.7]}


class AsAsked(UserExperiment):
    """Draws with the arguments that the request brings."""

    variants = ("a", "b", "c")

    def assign(self, params: Params, user: Any) -> None:
        if user.salt is not None:
            params.experiment_salt = user.salt
        params.variant = WeightedChoice(**user.arguments)


@pytest.fixture
def manager() -> ExperimentManager:
    """A manager to which the usual weights have come often enough to be known."""
    manager = ExperimentManager(strict=True)
    manager.add(AsAsked)
    for number in range(4):
        manager.get(AsAsked, user=asking(number, **USUAL))
    return manager


def asking(number: int, *, of: str | None = None, **arguments: Any) -> Any:
    return SimpleNamespace(id=number, salt=of, arguments={"unit": number, **arguments})


@pytest.mark.parametrize(
    "arguments",
    [
        USUAL,
        {**USUAL, "weights": [0.7, 0.3]},
        {**USUAL, "weights": (0.3, 0.7)},
        {**USUAL, "choices": ("a", "b")},
        {**USUAL, "choices": ["b", "c"]},
        {**USUAL, "unit": [1, 2]},
        {**USUAL, "salt": "own"},
        {**USUAL, "full_salt": "own"},
        {"choices": ["a", "b", "c"], "weights": [0.3, 0.7, 1]},
        {**USUAL, "of": "another salt"},
    ],
)
def test_each_choice_is_what_planouts_would_be_whatever_came_before(
    manager: ExperimentManager, arguments: dict[str, Any]
) -> None:
    for number in range(50):
        user = asking(number, **arguments)
        alone = Params(user.salt or "AsAsked")
        alone.variant = WeightedChoice(**user.arguments)
        assert manager.get(AsAsked, user=user) == alone.variant


def test_weights_that_the_code_has_changed_in_place_are_the_new_ones(
    manager: ExperimentManager,
) -> None:
    weights = [0.3, 0.7]
    users = [asking(number, choices=["a", "b"], weights=weights) for number in range(50)]
    assert {manager.get(AsAsked, user=user) for user in users} == {"a", "b"}
    weights[:] = [0, 1]
    assert {manager.get(AsAsked, user=user) for user in users} == {"b"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"choices": ["a"], "weights": [0.3, 0.7], "unit": 1}, "1 choices and 2 weights"),
        ({"choices": "ab", "weights": [0.3, 0.7], "unit": 1}, "`choices` must be a list"),
        ({"weights": [0.3, 0.7], "unit": 1, "salt": "own"}, "needs the argument `choices`"),
        ({"choices": ["a", "b"], "weights": [0.3, 0.7], "salt": "own"}, "the argument `unit`"),
    ],
)
def test_a_wrong_argument_is_still_an_error(
    manager: ExperimentManager, arguments: dict[str, Any], problem: str
) -> None:
    user = SimpleNamespace(id=1, salt=None, arguments=arguments)
    with pytest.raises(OperatorError, match=problem):
        manager.get(AsAsked, user=user)


def test_an_interpreter_without_a_hash_of_its_own_assigns_the_same() -> None:
    program = (
        "import sys; sys.modules['_sha1'] = None if sys.argv[1:] else sys.modules.get('_sha1')\n"
        "if not sys.argv[1:]: del sys.modules['_sha1']\n"
        "from abkit.assignment.hashing import hash_text, sha1\n"
        "print(sha1.__name__, *map(hash_text, ['exp.var.1', 'exp.var.Zoë']))"
    )
    own, other = [
        subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
        ).stdout.split()
        for arguments in ([], ["without"])
    ]
    assert own[1:] == other[1:]
    assert len(own) == 3
    assert other[0] != "sha1"
