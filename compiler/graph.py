"""The graph of a plan: templates and seeds become nodes, equal ones become one."""

from typing import Protocol

from lab.compiler.canonical import Shown
from lab.compiler.plan import Node
from lab.compiler.stages import Template
from lab.compiler.strands import label_of


class Asking(Protocol):
    """What is told of every node that somebody asks for."""

    def add(self, template: Template, seed: int, vary: tuple[str, ...]) -> str:
        """The key of a template's node for a replicate."""
        ...


class Keys:
    """Tells keys, and keeps nothing."""

    def add(self, template: Template, seed: int, vary: tuple[str, ...]) -> str:
        """The key of a template's node for a replicate."""
        return template.key(seed, vary)


class Asked:
    """Keeps what was asked for, in order, for a graph to be made of it."""

    def __init__(self) -> None:
        self.all: list[tuple[Template, int, tuple[str, ...]]] = []

    def add(self, template: Template, seed: int, vary: tuple[str, ...]) -> str:
        """The key of a template's node for a replicate."""
        self.all.append((template, seed, vary))
        return template.key(seed, vary)


class Graph:
    """Nodes in the order they were first asked for, each after the nodes it uses."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._known: set[str] = set()
        self._made: list[Node] = []
        self._labels: dict[Template, str] = {}

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes that were not taken yet, inputs first."""
        return tuple(self._made)

    def taken(self) -> list[Node]:
        """The nodes that were made since this was last asked."""
        made, self._made = self._made, []
        return made

    def add(self, template: Template, seed: int, vary: tuple[str, ...]) -> str:
        """The key of a template's node for a replicate, which is in the graph from then on."""
        key = template.key(seed, vary)
        if key not in self._known:
            inputs = {role: self.add(one, seed, vary) for role, one in template.inputs.items()}
            self._known.add(key)
            signature, is_random = template.signature, template.random
            node = Node(
                key,
                template.role,
                signature.name,
                template.arguments,
                inputs,
                seed if is_random else None,
                vary if is_random else (),
                signature.version,
                signature.fresh,
                self._label(template),
            )
            self._made.append(node)
        return key

    def _label(self, template: Template) -> str:
        known = self._labels.get(template)
        if known is None:
            known = self._labels[template] = label_of(template, self._shown)
        return known


def chain(template: Template) -> list[Template]:
    """The stages of a pipeline, first to last, by its last."""
    found = [template]
    while "before" in found[-1].inputs:
        found.append(found[-1].inputs["before"])
    return found[::-1]
