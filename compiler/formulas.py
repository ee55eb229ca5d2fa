"""Metrics of a point before there are replicates: arithmetic over measurements."""

from collections.abc import Iterator

from lab.compiler.graph import Asking
from lab.compiler.plan import Tree
from lab.compiler.stages import Template
from lab.spec.records import record
from lab.spec.values import Value


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


def tree(formula: Formula, seed: int, vary: tuple[str, ...], asking: Asking) -> Tree:
    """A formula for one replicate; its measurements are asked for."""
    return _tree(formula, seed, vary, asking)


def _tree(formula: Formula, seed: int, vary: tuple[str, ...], asking: Asking) -> dict[str, Value]:
    if isinstance(formula, Leaf):
        key = asking.add(formula.template, seed, vary)
        return {"node": key} if formula.field == "value" else {"node": key, "field": formula.field}
    if not isinstance(formula, Operation):
        return {"number": float(formula)}
    sides = (_tree(one, seed, vary, asking) for one in (formula.left, formula.right))
    return {"op": formula.op, "of": [*sides]}


def leaves(formula: Formula) -> Iterator[Template]:
    """The measurements in a formula."""
    if isinstance(formula, Leaf):
        yield formula.template
    elif isinstance(formula, Operation):
        yield from leaves(formula.left)
        yield from leaves(formula.right)
