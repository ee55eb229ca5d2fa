"""What was made of an object lately, known by the object's identity.

Runs of one seed come one after another and are handed the same random keys, which have no hash.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """Up to `size` values, of which some are not worth keeping.

    Always holds: the object behind an identity is alive.
    """

    def __init__(self, size: int, *, keeps: Callable[[T], bool] = lambda _: True) -> None:
        self._size, self._keeps = size, keeps
        self._made: OrderedDict[Hashable, tuple[object, T]] = OrderedDict()

    def of(self, thing: object, make: Callable[[], T], *rest: Hashable) -> T:
        """What was made of a thing and the rest; made now where that is not known."""
        key = (id(thing), *rest)
        known = self._made.get(key)
        if known is not None:
            return known[1]
        made = make()
        if self._keeps(made):
            self._made[key] = (thing, made)
            while len(self._made) > self._size:
                self._made.popitem(last=False)
        return made
