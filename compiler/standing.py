"""Which stored result a plan may use in place of one that the code there is would make.

A stored result of a node's family (`lab.compiler.lineage`) stands for the node where a person
accepted each version in its lineage that the code no longer has. Then the plan names that result's
key in place of its own, and nothing after it has to know. What is made of such a result by the code
there is has a key of its own as well: taking an acceptance back takes it back with all that stood
on it.
"""

from collections.abc import Iterable, Mapping, Sequence

from lab.compiler.canonical import digest
from lab.compiler.lineage import KEY_LENGTH, Code, Descents, Lineage, Lineages
from lab.compiler.plan import Node, Plan
from lab.compiler.renaming import renamed
from lab.compiler.stored import Described, Stored
from lab.spec.records import record, replaced
from lab.spec.signature import Catalog


@record
class Accepted:
    """That results of an older version of a component stand for a newer one: of one key, or all."""

    component: str
    old: str
    new: str
    because: str
    at: str
    key: str | None = None


@record
class Adoption:
    """An acceptance that a plan makes use of, and how many of its nodes do."""

    accepted: Accepted
    nodes: int


@record
class Change:
    """A component whose code is not what it was when a result was made; `new` may be gone."""

    component: str
    old: str
    new: str | None


@record
class Standing:
    """A plan with keys of results that stand, and what stands only if somebody says so.

    `stale` maps a node of the plan, for which there is a result of other code, to what changed;
    `by` maps a node that a result of older code stands for to what was accepted.
    """

    plan: Plan
    adopted: tuple[Adoption, ...] = ()
    stale: Mapping[str, tuple[Change, ...]] = {}
    by: Mapping[str, tuple[Accepted, ...]] = {}


class Acceptances:
    """The acceptances that are in force, followed from version to version."""

    def __init__(self, accepted: Sequence[Accepted]) -> None:
        self.keys = frozenset(one.key for one in accepted if one.key is not None)
        self._from: dict[tuple[str, str], list[Accepted]] = {}
        for one in accepted:
            self._from.setdefault((one.component, one.old), []).append(one)

    def way(self, code: Code, current: str | None, key: str) -> tuple[Accepted, ...] | None:
        """The acceptances that lead from a version to the one there is now; None where none do."""
        ways: dict[str, tuple[Accepted, ...]] = {code.version: ()}
        waiting = [code.version]
        while waiting:
            version = waiting.pop()
            for one in self._from.get((code.component, version), ()):
                if one.new not in ways and one.key in (None, key):
                    ways[one.new] = (*ways[version], one)
                    waiting.append(one.new)
        return ways.get(current) if current is not None else None


class Current:
    """The versions of components that there are now, and what stands for them."""

    def __init__(self, catalog: Catalog, accepted: Acceptances, lineages: Lineages) -> None:
        self._catalog = catalog
        self._accepted = accepted
        self._lineages = lineages
        self._changes: dict[str, tuple[Change, ...]] = {}
        self._ways: dict[tuple[str, str], list[Accepted] | None] = {}

    def version(self, component: str) -> str | None:
        """The version of `stage train`, None where there is no such component."""
        kind, _, name = component.partition(" ")
        found = self._catalog.get(kind, name)
        return None if found is None else found.version

    def changes(self, stored: Described) -> tuple[Change, ...]:
        """What was other code when a result was made, sorted."""
        name = stored.word("lineage")
        if name not in self._changes:
            lineage: Lineage = self._lineages(stored) or frozenset()
            now = [(code, self.version(code.component)) for code in sorted(lineage)]
            self._changes[name] = tuple(
                Change(*code, version) for code, version in now if code.version != version
            )
        return self._changes[name]

    def ways(self, stored: Described) -> list[Accepted] | None:
        """The acceptances by which a result stands; None where it does not."""
        if self._lineages(stored) is None:
            return None
        # An acceptance of one key is no matter for the others of its lineage.
        name = stored.word("lineage"), stored.key if stored.key in self._accepted.keys else ""
        if name not in self._ways:
            self._ways[name] = self._found(stored)
        return self._ways[name]

    def _found(self, stored: Described) -> list[Accepted] | None:
        found: list[Accepted] = []
        for one in self.changes(stored):
            way = self._accepted.way(Code(one.component, one.old), one.new, stored.key)
            if way is None:
                return None
            found += way
        return list(dict.fromkeys(found))


def stand_in(
    plan: Plan,
    stored: Stored,
    accepted: Sequence[Accepted],
    *,
    catalog: Catalog,
    lineages: Lineages,
) -> Standing:
    """A plan with what is stored of its nodes' families.

    Args:
        plan: with the keys that the code of `catalog` gives. `stored`: the index of the store.
        accepted: in force. `lineages`: of what is stored.
    """
    wanted = {(node.role, node.component) for node in plan.nodes if node.key not in stored}
    families = _families(stored, wanted)
    if not families:
        return Standing(plan)
    current = Current(catalog, Acceptances(accepted), lineages)
    search = _Search(plan, catalog, families, current)
    search.place([node for node in plan.nodes if node.key not in stored])
    return search.standing()


def _families(stored: Stored, wanted: set[tuple[str, str]]) -> dict[str, list[Described]]:
    """Stored results by family, the last one made first."""
    components = {component for _, component in wanted}
    found: dict[str, list[Described]] = {}
    for one in stored.values():
        family = one.word("family") if one.component in components else ""
        if family:
            found.setdefault(family, []).append(one)
    for alike in found.values():
        if len(alike) > 1:
            alike.sort(key=lambda one: (one.word("finished_at"), one.key), reverse=True)
    return found


class _Search:
    """Finds what stands for the nodes of a plan."""

    def __init__(
        self,
        plan: Plan,
        catalog: Catalog,
        families: Mapping[str, Sequence[Described]],
        current: Current,
    ) -> None:
        self.plan = plan
        self.families = families
        self.current = current
        nodes = {node.key: node for node in plan.nodes}
        self.descents = Descents(catalog, nodes, {}, lambda _: None)
        self.used: dict[Accepted, int] = {}
        self.stale: dict[str, tuple[Change, ...]] = {}
        self.names: dict[str, str] = {}
        self.versions: dict[str, str] = {}
        self.by: dict[str, tuple[Accepted, ...]] = {}

    def place(self, nodes: Iterable[Node]) -> None:
        """Find what stands for nodes that nothing is stored of, inputs first."""
        for node in nodes:
            self._place(node)

    def standing(self) -> Standing:
        """What was found."""
        if not self.names:
            return Standing(self.plan, (), self.stale)
        plan = renamed(self.plan, self.names)
        nodes = (
            replaced(one, version=self.versions[one.key]) if one.key in self.versions else one
            for one in plan.nodes
        )
        adopted = tuple(Adoption(one, count) for one, count in self.used.items())
        return Standing(replaced(plan, nodes=tuple(nodes)), adopted, self.stale, self.by)

    def _place(self, node: Node) -> None:
        alike = self.families.get(self.descents.of(node).family, ())
        for one in alike:
            ways = self.current.ways(one)
            if ways is not None:
                self.names[node.key] = one.key
                self.versions[one.key] = one.version
                self.by[one.key] = tuple(ways)
                for way in ways:
                    self.used[way] = self.used.get(way, 0) + 1
                return
        inputs = {role: self.names.get(key, key) for role, key in node.inputs.items()}
        if inputs != node.inputs:
            # Made by the code there is, but of something that it did not make: a key of its own.
            self.names[node.key] = digest(["of older results", node.key, inputs])[:KEY_LENGTH]
        if alike:
            self.stale[self.names.get(node.key, node.key)] = self.current.changes(alike[0])
