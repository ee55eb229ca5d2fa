"""Where results come from: what a key is made of, the code apart from all else.

    family(n) = digest(component, arguments, contents, families of its inputs, seed, numerics)

A node's family is all that its key is made of but the versions of code. Its lineage is the code of
the stage and of everything that it was made from.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple, cast

from lab.compiler.canonical import NUMERICS, digest
from lab.compiler.plan import Node
from lab.compiler.stored import Described, Stored
from lab.spec.records import record
from lab.spec.signature import Catalog, Signature
from lab.spec.values import Value

KEY_LENGTH = 32


class Code(NamedTuple):
    """A component (`stage train`) and the version of its code."""

    component: str
    version: str


Lineage = frozenset[Code]


#: The lineage of a stored result, None where its record does not say; read when asked for.
Lineages = Callable[[Described], Lineage | None]


@record
class Descent:
    """A node's family, the versions of the components that it is made of, and its lineage."""

    family: str
    code: Lineage
    lineage: Lineage

    @property
    def facts(self) -> dict[str, Value]:
        """As a record keeps it: what tells families and lineages apart, and what they are."""
        return {"family": self.family, **_code_facts(self.code, self.lineage)}


@lru_cache(1024)
def _code_facts(code: Lineage, lineage: Lineage) -> Mapping[str, Value]:
    """What nodes of the same components have in common."""
    texts = _texts(lineage)
    made_with: dict[str, Value] = {
        "code": _texts(code),
        "lineage": texts,
        "numerics": NUMERICS,
    }
    return {"lineage": digest(texts)[:KEY_LENGTH], "made_with": made_with}


def lineage_in(facts: Mapping[str, Value]) -> Lineage | None:
    """The lineage that the facts of a record tell, None where it was written before they did."""
    made_with = facts.get("made_with")
    return None if not isinstance(made_with, dict) else codes_in(made_with.get("lineage"))


def codes_in(texts: Value) -> Lineage:
    """Code as records keep it."""
    listed = cast(list[str], texts) if isinstance(texts, list) else []
    pairs = (one.rpartition(" ") for one in listed)
    return frozenset(Code(component, version) for component, _, version in pairs)


def _texts(codes: Lineage) -> list[Value]:
    return [f"{one.component} {one.version}" for one in sorted(codes)]


class Descents:
    """The descents of nodes: of those that are stored as their records say."""

    def __init__(
        self, catalog: Catalog, nodes: Mapping[str, Node], stored: Stored, lineages: Lineages
    ) -> None:
        self._catalog = catalog
        self._nodes = nodes
        self._stored = stored
        self._lineages = lineages
        self._known: dict[str, Descent] = {}
        self._meant: dict[int, tuple[Mapping[str, Value], str, Lineage]] = {}

    def of(self, node: Node) -> Descent:
        """The descent of a node whose inputs are among the nodes, or are stored."""
        known = self._known.get(node.key)
        if known is None:
            known = self._recorded(node.key) or self._worked_out(node)
            self._known[node.key] = known
        return known

    def _recorded(self, key: str) -> Descent | None:
        stored = self._stored.get(key)
        lineage = None if stored is None else self._lineages(stored)
        if stored is None or lineage is None:
            return None
        return Descent(stored.word("family"), frozenset(), lineage)

    def _input(self, key: str) -> Descent:
        if key in self._nodes:
            return self.of(self._nodes[key])
        return self._recorded(key) or Descent(key, frozenset(), frozenset())

    def _worked_out(self, node: Node) -> Descent:
        arguments, inside = self._arguments(node)
        inputs = {role: self._input(key) for role, key in node.inputs.items()}
        code = inside | {Code(f"{node.role} {node.component}", node.version)}
        family = digest(
            {
                "component": [node.role, node.component],
                "arguments": arguments,
                "inputs": {role: one.family for role, one in inputs.items()},
                "numerics": NUMERICS,
                "replicate": [node.seed, list(node.vary)],
            }
        )
        return Descent(
            family[:KEY_LENGTH], code, code.union(*(one.lineage for one in inputs.values()))
        )

    def _arguments(self, node: Node) -> tuple[str, Lineage]:
        """A digest of what arguments mean without code, and the code in them.

        Nodes share arguments.
        """
        known = self._meant.get(id(node.arguments))
        if known is None:
            # What waits for a search is no component.
            signature = self._catalog.signatures.get((node.role, node.component))
            counted = signature.counted(node.arguments) if signature else node.arguments
            codes: set[Code] = set()
            meant = self._without_code(dict(counted), codes)
            known = (node.arguments, digest(meant), frozenset(codes))
            self._meant[id(node.arguments)] = known
        return known[1], known[2]

    def _without_code(self, value: Value, codes: set[Code]) -> Value:
        if isinstance(value, list):
            return [self._without_code(item, codes) for item in value]
        if not isinstance(value, dict):
            return value
        if "file" in value:
            return {"content": value["content"]}
        if "component" not in value:
            return {name: self._without_code(item, codes) for name, item in value.items()}
        signature = self._signature(value)
        codes.add(Code(f"{signature.kind} {signature.name}", signature.version))
        arguments = signature.counted(cast(Mapping[str, Value], value["args"]))
        return {
            "component": [signature.kind, signature.name],
            "content": signature.content,
            "args": {name: self._without_code(item, codes) for name, item in arguments.items()},
        }

    def _signature(self, value: Mapping[str, Value]) -> Signature:
        return self._catalog.signatures[cast(str, value["kind"]), cast(str, value["component"])]
