"""Syntax trees in general: what a node holds, how deep a tree is, whether two mean the same."""

from collections.abc import Iterator, Sequence
from typing import cast

from lab.spec.records import names_of
from lab.spec.source import Span
from lab.spec.syntax import Number

#: Levels that a tree may have: more than anyone writes, fewer than Python can recurse through.
DEEPEST = 100


def children(node: object) -> Iterator[object]:
    """The nodes that a node holds, in the order of its fields."""
    for name in names_of(type(node)):
        value: object = getattr(node, name)
        held = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
        yield from (item for item in held if names_of(type(item)) and not isinstance(item, Span))


def deepest(node: object) -> tuple[int, object]:
    """How many levels a tree has, and a node on the lowest. Works for a tree of any depth."""
    found, level, row = (0, node), 0, [node]
    while row:
        level += 1
        found = (level, row[0])
        row = [child for parent in row for child in children(parent)]
    return found


def same_meaning(first: object, second: object) -> bool:
    """Whether two trees say the same, wherever it stands and however its numbers are spelled.

    Example:
        >>> from lab.spec.syntax import Name
        >>> same_meaning(Name("a", Span(0, 1)), Name("a", Span(4, 5)))
        True
    """
    if type(first) is not type(second):
        return False
    if isinstance(first, tuple):
        ones, others = cast("Sequence[object]", first), cast("Sequence[object]", second)
        return len(ones) == len(others) and all(map(same_meaning, ones, others))
    fields = names_of(type(first))
    if not fields:
        return first == second
    unsaid = ("span", "text") if isinstance(first, Number) else ("span",)
    said = [name for name in fields if name not in unsaid]
    return all(same_meaning(getattr(first, name), getattr(second, name)) for name in said)
