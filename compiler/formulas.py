"""Metrics of a point before there are replicates: arithmetic over measurements.

Most points of a grid differ in their method alone: the formulas of their metrics are worked out
once, with `Own` where a measurement of the point's method stands.
"""

from collections.abc import Callable, Iterator, Mapping

from lab.compiler.cells import Cell
from lab.compiler.graph import Asking
from lab.compiler.plan import Tree
from lab.compiler.stages import Template
from lab.spec import core
from lab.spec.records import record
from lab.spec.signature import Signature
from lab.spec.values import Value


@record
class Leaf:
    """A measurement of one point; `field` picks one of its numbers."""

    template: Template
    field: str = "value"


@record(eq=False)
class Own:
    """A measurement of the point's own method, whichever that is; `inputs` are other arms."""

    at: core.Measure
    signature: Signature
    arguments: Cell
    inputs: Mapping[str, Template]
    field: str = "value"


@record
class Operation:
    """Arithmetic over measurements."""

    op: str
    left: "Formula"
    right: "Formula"


#: A metric of a point, whatever the replicate. It is open while an `Own` stands in it.
Formula = Leaf | Own | Operation | float


@record
class Formulas:
    """Open formulas by label, and the measurements in them in their order."""

    by_label: Mapping[str, Formula]
    leaves: tuple[Leaf | Own, ...]


def formulas_of(by_label: Mapping[str, Formula]) -> Formulas:
    """Formulas with the measurements in them."""
    return Formulas(by_label, tuple(one for each in by_label.values() for one in leaves(each)))


def closed(formula: Formula, made: Callable[[Own], Template]) -> Formula:
    """A formula with measurements of a method where its own stood."""
    if isinstance(formula, Own):
        return Leaf(made(formula), formula.field)
    if isinstance(formula, Operation):
        return Operation(formula.op, closed(formula.left, made), closed(formula.right, made))
    return formula


def tree(formula: Formula, seed: int, vary: tuple[str, ...], asking: Asking) -> Tree:
    """A closed formula for one replicate; its measurements are asked for."""
    return _tree(formula, seed, vary, asking)


def _tree(formula: Formula, seed: int, vary: tuple[str, ...], asking: Asking) -> dict[str, Value]:
    if isinstance(formula, Leaf):
        key = asking.add(formula.template, seed, vary)
        return {"node": key} if formula.field == "value" else {"node": key, "field": formula.field}
    if not isinstance(formula, Operation):
        return {"number": number_of(formula)}
    sides = (_tree(one, seed, vary, asking) for one in (formula.left, formula.right))
    return {"op": formula.op, "of": [*sides]}


def number_of(formula: Own | float) -> float:
    """A number that stands in a closed formula."""
    if isinstance(formula, Own):
        raise TypeError("this formula is open: it is not said of which method it is")
    return float(formula)


def leaves(formula: Formula) -> Iterator[Leaf | Own]:
    """The measurements in a formula."""
    if isinstance(formula, Leaf | Own):
        yield formula
    elif isinstance(formula, Operation):
        yield from leaves(formula.left)
        yield from leaves(formula.right)
