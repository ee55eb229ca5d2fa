"""Metrics of a point before there are replicates: arithmetic over measurements."""

from lab.compiler.graph import Graph
from lab.compiler.plan import Tree
from lab.compiler.stages import Template
from lab.spec.records import record


@record
class Leaf:
    """A measurement of one point; `field` picks one of its numbers."""

    template: Template
    field: str = "value"


@record
class Operation:
    """Arithmetic over measurements."""

    op: str
    left: "Formula"
    right: "Formula"


#: A metric of a point, whatever the replicate.
Formula = Leaf | Operation | float


def tree(formula: Formula, seed: int, vary: tuple[str, ...], graph: Graph) -> Tree:
    """A formula for one replicate; its measurements are added to the graph."""
    if isinstance(formula, Leaf):
        node: Tree = {"node": graph.add(formula.template, seed, vary)}
        return node if formula.field == "value" else {**node, "field": formula.field}
    if not isinstance(formula, Operation):
        return {"number": float(formula)}
    left, right = tree(formula.left, seed, vary, graph), tree(formula.right, seed, vary, graph)
    return {"op": formula.op, "of": [dict(left), dict(right)]}
