"""New stages sorted by why they are new: the work behind `lab.compiler.reasons`."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from lab.compiler.canonical import Shown
from lab.compiler.differences import Difference, inside
from lab.compiler.neighbors import ArgumentTexts, Family, Relatives, changed, families, family
from lab.compiler.plan import Node, Plan
from lab.compiler.reasons import NO_EVIDENCE, Change, Evidence, Explains, Kind, Reason
from lab.compiler.stored import Described, Stored
from lab.compiler.tracing import Steps
from lab.spec.records import record, replaced
from lab.spec.values import Value

if TYPE_CHECKING:
    from lab.compiler.standing import Change as CodeChange

#: Values of one change that are shown.
MOST_VALUES = 6


def reasons(
    plan: Plan,
    new: Sequence[str] | frozenset[str],
    stored: Stored,
    *,
    explains: Explains,
    shown: Shown,
    evidence: Evidence = NO_EVIDENCE,
) -> tuple[Reason, ...]:
    """Why the nodes of a plan with the keys `new` are new, the reason for most of them first.

    Args:
        plan: with `new`, the keys of those of its nodes that are to be run.
        stored: what there is, of this study and of others.
        explains: says where the plan's values were written. `shown`: how they are.
        evidence: what failed, and what there is of other code.
    """
    work = _Reasoning(plan, frozenset(new), stored, explains, shown)
    return work.all(evidence)


@record
class Group:
    """What nodes that are new for one reason have in common."""

    kind: Kind
    subject: str = ""
    detail: Hashable = None


class _Reasoning:
    """One answer: nodes by group, each group to be one reason."""

    def __init__(  # noqa: PLR0917 - what `reasons` was given
        self, plan: Plan, new: frozenset[str], stored: Stored, explains: Explains, shown: Shown
    ) -> None:
        self.nodes = [node for node in plan.nodes if node.key in new]
        self.new = new
        self.kept = {node.key for node in plan.nodes}
        self.explains = explains
        self.shown = shown
        self.text = ArgumentTexts()
        self._families = families(stored)
        self._relatives: dict[Family, Relatives] = {}
        self._unlike_by_text: dict[tuple[Family, str], Group] = {}
        self._groups: dict[Group, list[Node]] = {}
        self._group_of: dict[str, Group] = {}
        self._follow: dict[Group, list[str]] = {}

    def all(self, evidence: Evidence) -> tuple[Reason, ...]:
        """Every reason, that for most nodes first."""
        for node in self.nodes:
            self._sort_in(node, evidence)
        made: dict[object, Reason] = {}
        for group, nodes in self._groups.items():
            one = self._reason(group, nodes)
            one = replaced(one, follow=tuple(self._follow.get(group, ())))
            same = (one.kind, one.subject, *((c.name, c.before, c.is_instead) for c in one.changes))
            made[same] = _together(made[same], one) if same in made else one
        return tuple(sorted(made.values(), key=lambda one: -len(one.nodes) - len(one.follow)))

    # Sorting

    def _sort_in(self, node: Node, evidence: Evidence) -> None:
        behind = next((key for key in node.inputs.values() if key in self.new), None)
        group = self._group(node, evidence, is_behind=behind is not None)
        if group is not None:
            self._groups.setdefault(group, []).append(node)
        elif behind is not None:
            group = self._group_of[behind]
            self._follow.setdefault(group, []).append(node.key)
        if group is not None:
            self._group_of[node.key] = group

    def _group(self, node: Node, evidence: Evidence, *, is_behind: bool) -> Group | None:
        """What nodes that are new for one reason have in common; None where one only follows."""
        stale = evidence.stale.get(node.key, ())
        if node.key in evidence.failed:
            return Group("failed", _what(node))
        if stale:
            own = _own_code(node, stale)
            return Group("code", own) if own or not is_behind else None
        relatives = self._relatives_of(node)
        if relatives is None:
            return Group("never run", _owner(node))
        same = relatives.by_text.get(self.text(node))
        if same is None:
            return self._unlike(node, relatives)
        return None if is_behind else _among_equals(node, same, self.text(node))

    def _unlike(self, node: Node, relatives: Relatives) -> Group:
        """What nodes have in common that differ from all that is stored in the same arguments."""
        at = (family(node), self.text(node))
        if at not in self._unlike_by_text:
            news = relatives.news(relatives.marks(node.arguments))
            kind: Kind = "value" if news else "combination"
            self._unlike_by_text[at] = Group(kind, "", (family(node), news))
        return self._unlike_by_text[at]

    def _relatives_of(self, node: Node) -> Relatives | None:
        name = family(node)
        if name not in self._families:
            return None
        if name not in self._relatives:
            self._relatives[name] = Relatives(self._families[name], self.kept)
        return self._relatives[name]

    # Reasons

    def _reason(self, group: Group, nodes: Sequence[Node]) -> Reason:
        if group.kind in ("value", "combination"):
            return self._valued(nodes, group.kind)
        if group.kind in ("replicates", "streams"):
            return self._repeated(nodes, group.kind)
        keys = tuple(node.key for node in nodes)
        places = () if group.kind == "code" else self.explains.stage(nodes[0])
        return Reason(group.kind, keys, subject=group.subject, places=places)

    def _valued(self, nodes: Sequence[Node], kind: Kind) -> Reason:
        """Nodes that differ from their neighbors in the same arguments."""
        first = nodes[0]
        relatives = self._relatives[family(first)]
        nearest = relatives.nearest(first, relatives.marks(first.arguments))
        every, keys = changed(nearest, first), tuple(node.key for node in nodes)
        real = [one for one in every if not one.is_lacking]
        if not real:  # a component takes what it did not take when the stored stage was made
            return Reason("code", keys, subject=_said(_takers(first, every)))
        changes = [self._change(one.steps, one.before, nodes, nearest) for one in real]
        merged = tuple({(one.name, one.before, one.after): one for one in changes}.values())
        places = tuple(place for one in merged for place in one.places)
        return Reason(kind, keys, changes=merged, places=places)

    def _change(
        self, steps: Steps, before: Value, nodes: Sequence[Node], nearest: Described
    ) -> Change:
        first = nodes[0]
        kind, origin = self.explains.kind(first, steps), self.explains.origin(first, steps)
        after = dict.fromkeys(self.shown.text(_at(node, steps), kind) for node in nodes)
        said = tuple(after) if len(after) <= MOST_VALUES else (*list(after)[:MOST_VALUES], "…")
        was = self.shown.text(before, kind)
        return Change(origin.name, was, said, nearest.key not in self.kept, origin.places)

    def _repeated(self, nodes: Sequence[Node], kind: Kind) -> Reason:
        """Nodes of which there are other replicates, or the same in other random streams."""
        first, equals = nodes[0], self._equals(nodes[0])
        if kind == "streams":
            change = Change("vary", _streams(equals[0].vary), (_streams(first.vary),), True)
        else:
            seeds = {one.seed for one in equals if one.vary == first.vary}
            every = seeds | {node.seed for node in nodes}
            change = Change("repeat", str(len(seeds)), (str(len(every)),), False)
        keys = tuple(node.key for node in nodes)
        return Reason(kind, keys, changes=(change,), places=self.explains.replicates(first))

    def _equals(self, node: Node) -> Sequence[Described]:
        """Stored stages with the arguments of a node."""
        return self._relatives[family(node)].by_text[self.text(node)]


def _among_equals(node: Node, same: Sequence[Described], text: str) -> Group:
    """Why a node is new though stages with its arguments are there."""
    alike = [one for one in same if one.vary == node.vary]
    if not alike:
        return Group("streams", "", (family(node), text))
    if any(one.seed == node.seed for one in alike):
        return Group("never run", _owner(node))
    return Group("replicates", "", (family(node), text))


def _together(one: Reason, other: Reason) -> Reason:
    """Two reasons that say the same of different nodes."""
    changes = tuple(
        replaced(mine, after=tuple(dict.fromkeys((*mine.after, *its.after))))
        for mine, its in zip(one.changes, other.changes, strict=True)
    )
    return replaced(
        one,
        nodes=(*one.nodes, *other.nodes),
        follow=(*one.follow, *other.follow),
        changes=changes,
        places=tuple(dict.fromkeys((*one.places, *other.places))),
    )


def _own_code(node: Node, stale: Sequence[CodeChange]) -> str:
    """The components of a node itself whose code changed, in words."""
    inside = {f"{node.role} {node.component}", *_components(dict(node.arguments))}
    return _said(one.component.rpartition(" ")[2] for one in stale if one.component in inside)


def _takers(node: Node, lacking: Sequence[Difference]) -> Iterator[str]:
    """The components that take what the stored stage lacks."""
    for one in lacking:
        value: Value = {"component": node.component, "args": dict(node.arguments)}
        name = node.component
        for step in ("args", *one.steps):
            if isinstance(value, dict) and "component" in value:
                name = str(value["component"])
            value = inside(value, step)
        yield name


def _said(names: Iterable[str]) -> str:
    return " and ".join(f"`{name}`" for name in dict.fromkeys(names))


def _components(value: Value) -> set[str]:
    if isinstance(value, list):
        return {name for item in value for name in _components(item)}
    if not isinstance(value, dict):
        return set()
    own = {f"{value['kind']} {value['component']}"} if "component" in value else set[str]()
    return own.union(*(_components(item) for item in value.values()))


def _at(node: Node, steps: Steps) -> Value:
    """What a node has at a place in its arguments; None where it lacks the place."""
    value: Value = dict(node.arguments)
    for step in steps:
        value = inside(value, step)
    return value


def _streams(vary: Sequence[str]) -> str:
    return ", ".join(vary) or "all"


def _owner(node: Node) -> str:
    return node.label.partition(": ")[0]


def _what(node: Node) -> str:
    return node.label.partition("(")[0]
