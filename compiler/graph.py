"""The graph of a plan: templates and seeds become nodes, equal ones become one."""

from lab.compiler.canonical import Shown
from lab.compiler.plan import Node
from lab.compiler.stages import Template


class Graph:
    """Nodes in the order they were first asked for, each after the nodes it uses."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._nodes: dict[str, Node] = {}

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, inputs first."""
        return tuple(self._nodes.values())

    def add(self, template: Template, seed: int, vary: tuple[str, ...]) -> str:
        """The key of a template's node for a replicate, which is in the graph from then on."""
        key = template.key(seed, vary)
        if key not in self._nodes:
            inputs = {role: self.add(one, seed, vary) for role, one in template.inputs.items()}
            self._nodes[key] = Node(
                key=key,
                role=template.role,
                component=template.signature.name,
                arguments=template.arguments,
                inputs=inputs,
                seed=seed if template.random else None,
                vary=vary if template.random else (),
                version=template.signature.version,
                fresh=template.signature.fresh,
                label=f"{template.owner}: {self._what(template)}",
            )
        return key

    def chain(self, key: str) -> list[str]:
        """The stages of a pipeline, first to last, by the key of its last."""
        chain = [key]
        while "before" in self._nodes[chain[-1]].inputs:
            chain.append(self._nodes[chain[-1]].inputs["before"])
        return chain[::-1]

    def _what(self, template: Template) -> str:
        """A stage in a few words: one that a reparameterization is short for goes by its name."""
        through = template.arguments.get("through")
        if template.role == "stage" and isinstance(through, dict) and "before" in template.inputs:
            return self._shown.text(through)
        return template.signature.name
