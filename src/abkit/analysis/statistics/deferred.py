"""A sequence that is computed once somebody looks at it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar, overload

T = TypeVar("T")


class Deferred(Sequence[T]):
    """Equal to the tuple that it is computed to, and copied and stored as that.

    Args:
        length: How many items there will be; None: that is known once they are computed.
        compute: Gives them.
    """

    __slots__ = ("_compute", "_items", "_length")

    def __init__(self, length: int | None, compute: Callable[[], Iterable[T]]) -> None:
        self._length: int | None = length
        self._compute: Callable[[], Iterable[T]] | None = compute
        self._items: tuple[T, ...] = ()

    @property
    def items(self) -> tuple[T, ...]:
        """All of them."""
        compute = self._compute
        if compute is not None:
            self._items = tuple(compute())
            self._compute = None  # Only now: another thread computes the same meanwhile.
        return self._items

    def __len__(self) -> int:
        return len(self.items) if self._length is None else self._length

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[T, ...]: ...
    def __getitem__(self, at: int | slice) -> T | tuple[T, ...]:
        return self.items[at]

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Deferred):
            other = other.items
        return self.items == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.items)

    def __repr__(self) -> str:
        return repr(self.items)

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (self.items,)
