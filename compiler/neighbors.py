"""The stored stage that is most like a new one.

Stages are compared with those of their own family, which have the same component and stand in the
same place of the same method. What each has that a common base lacks is a small set, so that the
distance of two of them is the size of a symmetric difference.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import cast

from lab.compiler.differences import Difference, differences, inside
from lab.compiler.plan import Node
from lab.compiler.stored import Described, Stored, arguments_text
from lab.compiler.tracing import Steps
from lab.spec.records import record
from lab.spec.values import Value

#: Stored stages of a family that are looked at.
MOST_NEIGHBORS = 2000

#: Component, and where it stands: `field: inwf`.
Family = tuple[str, str]
#: What a stage has that its family's base lacks: the way to a part, and the part.
Marks = frozenset[tuple[Steps, str]]


def family(one: Node | Described) -> Family:
    """The family of a node or stored stage."""
    return one.component, one.label.partition("(")[0]


def families(stored: Stored) -> dict[Family, list[Described]]:
    """Stored stages by family."""
    found: dict[Family, list[Described]] = {}
    for one in stored.values():
        found.setdefault(family(one), []).append(one)
    return found


@record(slots=False)
class Relatives:
    """The stored stages of one family. `kept` are the keys that the plan has too."""

    stages: Sequence[Described]
    kept: Collection[str]

    @cached_property
    def by_text(self) -> Mapping[str, Sequence[Described]]:
        """Stages by the text of their arguments."""
        found: dict[str, list[Described]] = {}
        for one in self.stages:
            found.setdefault(one.text, []).append(one)
        return found

    @cached_property
    def _near(self) -> Sequence[tuple[Marks, Described]]:
        """One stage for each arguments, those that the plan has no more first, with their marks."""
        several = sorted(self.by_text.values(), key=lambda each: each[0].key in self.kept)
        return [(self.marks(each[0].arguments), each[0]) for each in several[:MOST_NEIGHBORS]]

    @cached_property
    def _known(self) -> frozenset[tuple[Steps, str]]:
        return frozenset(one for marks, _ in self._near for one in marks)

    def marks(self, arguments: Mapping[str, Value]) -> Marks:
        """What some arguments have that the base lacks."""
        base = self.stages[0].arguments
        return frozenset(
            (one.steps, repr(one.after)) for one in differences(_plain(base), _plain(arguments))
        )

    def news(self, marks: Marks) -> frozenset[Steps]:
        """The parts at which nothing stored has the same."""
        return frozenset(steps for steps, _ in marks - self._known)

    def nearest(self, node: Node, marks: Marks) -> Described:
        """The stage with most parts the same; of several, one that the plan has no more."""

        def distance(one: tuple[Marks, Described]) -> tuple[int, bool, float]:
            parts = {steps for steps, _ in one[0] ^ marks}
            return len(parts), one[1].key in self.kept, self._gap(parts, one[0], marks)

        return min(self._near, key=distance)[1]

    def _gap(self, parts: Iterable[Steps], one: Marks, other: Marks) -> float:
        """How far numbers are apart, to prefer a near one."""
        here, there = dict(one), dict(other)
        gap = 0.0
        for steps in parts:
            base = repr(self._base(steps))
            sides = _number(here.get(steps, base)), _number(there.get(steps, base))
            gap += 0.0 if sides[0] is None or sides[1] is None else abs(sides[0] - sides[1])
        return gap

    def _base(self, steps: Steps) -> Value:
        value = _plain(self.stages[0].arguments)
        for step in steps:
            value = inside(value, step)
        return value


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _plain(arguments: Mapping[str, Value]) -> Value:
    return cast(Value, arguments)


def changed(before: Described, node: Node) -> list[Difference]:
    """What differs between the arguments of a stored stage and of a node."""
    return list(differences(_plain(before.arguments), _plain(node.arguments)))


class ArgumentTexts:
    """The text of a node's arguments; nodes that share them share the work."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def __call__(self, node: Node) -> str:
        """The text."""
        found = self._known.get(id(node.arguments))
        if found is None:
            found = self._known[id(node.arguments)] = arguments_text(node.arguments)
        return found
