"""Sequences that are made when somebody looks at them."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Generic, TypeVar, cast, overload

T = TypeVar("T")

#: A sequence of no more items than this is kept once it is made.
KEPT = 200_000


class Lazy(Sequence[T], Generic[T]):
    """Items that are made when they are first asked for; of very many, anew each time.

    Always holds: `make` gives the same items every time, `count()` of them.

    Example:
        >>> squares = Lazy(lambda: 3, lambda: iter([0, 1, 4]))
        >>> len(squares), squares[-1], squares == (0, 1, 4)
        (3, 4, True)
    """

    __slots__ = ("_count", "_items", "_length", "_make")

    def __init__(self, count: Callable[[], int], make: Callable[[], Iterator[T]]) -> None:
        self._count = count
        self._make = make
        self._length: int | None = None
        self._items: tuple[T, ...] | None = None

    def __len__(self) -> int:
        if self._length is None:
            self._length = len(self._items) if self._items is not None else self._count()
        return self._length

    def __iter__(self) -> Iterator[T]:
        if self._items is None and len(self) <= KEPT:
            self._items = tuple(self._make())
        return self._make() if self._items is None else iter(self._items)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        if isinstance(at, slice) or (len(self) <= KEPT):
            return tuple(self)[at]
        place = at if at >= 0 else len(self) + at
        if not 0 <= place < len(self):
            raise IndexError(at)
        return next(islice(self, place, None))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, tuple | Lazy):
            return NotImplemented
        return tuple(self) == tuple(cast(Sequence[object], other))

    __hash__ = None  # pyright: ignore[reportAssignmentType] - items are compared, as in a list

    def __repr__(self) -> str:
        return repr(tuple(self))

    def __reduce__(self) -> tuple[object, ...]:
        return tuple, (tuple(self),)
