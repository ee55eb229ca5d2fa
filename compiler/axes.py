"""What a block sets, by slot, and for whom: `method.rank` is that of the arm which a point has.

A path that starts at `method`, `model` or `data` stands for a slot of each definition that has one.
At a point only the slot of the definition that stands there is set, and not those of a method which
it builds on: that one has the name too, but is not the point's.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lab.spec import core

if TYPE_CHECKING:
    from lab.compiler.evaluate import Closure, Noted

#: The root that a slot is reached by, and the definitions for which it is set.
Guard = tuple[str, frozenset[str]]


class Axes(dict[str, "Closure"]):
    """What a block sets, by slot. `guards` are of the slots that some definitions alone have set.

    Always holds: equal names give the same object, which a memory may know by its identity.
    """

    def __init__(
        self,
        closures: Mapping[str, "Closure"],
        guards: Mapping[str, Guard],
        *,
        names: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(closures)
        self.guards = guards
        #: Roots that some slots are set for.
        self.roots = frozenset(root for root, _ in guards.values())
        self.names = names or {}
        self._base = self
        self._made: dict[tuple[tuple[str, str], ...], Axes] = {}

    def guarded(self, kind: str) -> bool:
        """Whether some slots are set for the point's method, model or data alone."""
        return kind in self.roots

    def within(self, kind: str, name: str) -> "Axes":
        """What is set where the point's method, model or data is the one of a name."""
        base = self._base
        if not self.guarded(kind):
            return self
        names = {**self.names, kind: name}
        key = tuple(sorted(names.items()))
        known = base._made.get(key)
        if known is None:
            known = base._made[key] = Axes(base._left(names), base.guards, names=names)
            known._base = base
        return known

    def _left(self, names: Mapping[str, str]) -> dict[str, "Closure"]:
        return {slot: one for slot, one in self.items() if self._holds(slot, names)}

    def _holds(self, slot: str, names: Mapping[str, str]) -> bool:
        kind, of = self.guards.get(slot, ("", frozenset[str]()))
        return kind not in names or names[kind] in of


def guards_of(paths: Iterator[core.AxisPath]) -> dict[str, Guard]:
    """For whom each slot of some paths is set, where that is not everybody."""
    found: dict[str, Guard] = {}
    for path in paths:
        for slot, name in zip(path.slots, path.of, strict=False):
            _, others = found.get(slot, ("", frozenset[str]()))
            found[slot] = (path.root, others | {name})
    return found


def slots_at(
    path: core.AxisPath | core.PathValue, settings: Mapping[str, "Noted"]
) -> tuple[str, ...]:
    """The slots that a path stands for at a point: those of the method, model or data it has."""
    if not path.of or path.root not in settings:
        return path.slots
    name = settings[path.root].value
    return tuple(slot for slot, of in zip(path.slots, path.of, strict=True) if of == name)
