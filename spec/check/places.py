"""What stands at a slot, and names inside it.

What stands at a slot is what any place in the study puts there; a component's default counts where
nothing that is written matches.
"""

from collections.abc import Iterable, Iterator

from lab.spec.check.components import implied
from lab.spec.check.context import Context, Declared, Entry, Member, Want
from lab.spec.records import record
from lab.spec.signature import Type

DEEPEST = 8


@record
class Hit:
    """A match: the member, and the names on the way to it, the stage's last."""

    member: Member
    trail: tuple[str, ...]
    stage: str


@record
class Node:
    """An entry on the frontier of a search, and how it was reached."""

    entry: Entry
    trail: tuple[str, ...]
    stage: str


def roots_of(context: Context, declared: Declared) -> list[Node]:
    """What is written in a definition, from which a search starts."""
    key = f"{declared.kind} {declared.name}"
    return [Node(entry, (), entry.label) for entry in context.entries.get(key, [])]


def children(
    context: Context, member: Member, *, defaults: bool = True, blocks: bool = True
) -> Iterator[Entry]:
    """Everything that stands at a slot anywhere in the study, `blocks` or in its definitions."""
    seen: set[str] = set()
    waiting = [member.slot]
    found = False
    while waiting:
        slot = waiting.pop()
        if slot in seen:
            continue
        seen.add(slot)
        for entry in context.entries.get(slot, []):
            if entry.set and not blocks:
                continue
            found = True
            yield entry
        waiting += context.aliases.get(slot, [])
    if defaults and not found:
        entry = implied(context, member)
        if entry is not None:
            yield entry


def search(
    context: Context, roots: list[Node], name: str, *, with_stages: bool = False
) -> list[Hit]:
    """Matches on the first level that has any.

    What definitions say comes first, then defaults, and what only a block sets there last: another
    block does not make a name mean two things.
    """
    for defaults, blocks in ((False, False), (True, False), (True, True)):
        frontier = roots
        for depth in range(DEEPEST):
            hits = _matches(frontier, name)
            if with_stages and depth == 0:
                hits += _stages(frontier, name)
            if hits:
                return _distinct(hits)
            frontier = list(_next(context, frontier, defaults=defaults, blocks=blocks))
            if not frontier:
                break
    return []


def _matches(frontier: Iterable[Node], name: str) -> list[Hit]:
    return [
        Hit(node.entry.members[name], (*node.trail, name), node.stage)
        for node in frontier
        if name in node.entry.members
    ]


def _stages(frontier: Iterable[Node], name: str) -> list[Hit]:
    want = Want(Type("stage"), f"`{name}`")
    return [
        Hit(Member(node.entry.slot, want), (name,), name)
        for node in frontier
        if node.entry.label == name
    ]


def _next(
    context: Context, frontier: Iterable[Node], *, defaults: bool, blocks: bool = True
) -> Iterator[Node]:
    for node in frontier:
        for name, member in node.entry.members.items():
            for entry in children(context, member, defaults=defaults, blocks=blocks):
                if entry is not node.entry:
                    yield Node(entry, (*node.trail, name), node.stage)


def _distinct(hits: Iterable[Hit]) -> list[Hit]:
    by_slot: dict[str, Hit] = {}
    for hit in hits:
        by_slot.setdefault(hit.member.slot, hit)
    return list(by_slot.values())


def reachable(context: Context, declared: Declared) -> Iterator[str]:
    """Names that can follow a definition's, nearest first."""
    seen: set[str] = set()
    context.define(declared)
    for parameter in declared.node.parameters:
        seen.add(parameter.name.text)
        yield parameter.name.text
    frontier = roots_of(context, declared)
    for _ in range(DEEPEST):
        for node in frontier:
            for name in node.entry.members:
                if name not in seen:
                    seen.add(name)
                    yield name
        frontier = list(_next(context, frontier, defaults=True))
        if not frontier:
            return
