"""Evaluating a metric: arithmetic over measurements.

A tree is `{"number": x}`, `{"node": key}` or `{"op": "+" | "-" | "*" | "/", "of": [tree, tree]}`
(`lab.compiler.plan.Tree`). It is evaluated with whatever numbers the leaves are given: one float a
measurement for an estimate, or an array of resampled ones for an interval over test examples.
Dividing by zero gives infinity or "not a number", never an exception: what to make of it is for the
caller to say.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from lab.compiler.plan import Tree

__all__ = ["evaluate", "is_number", "node_keys", "operands", "unit_of"]

Leaf = Callable[[str], Any]

_OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}


def evaluate(tree: Tree, leaf: Leaf) -> Any:
    """The value of a tree whose measurements have the values `leaf(key)`; floats or arrays.

    Example:
        >>> gain = {"op": "-", "of": [{"node": "a"}, {"number": 1}]}
        >>> float(evaluate(gain, {"a": 3.0}.__getitem__))
        2.0
    """
    if "number" in tree:
        return np.float64(str(tree["number"]))
    if "node" in tree:
        return leaf(str(tree["node"]))
    left, right = (evaluate(operand, leaf) for operand in operands(tree))
    with np.errstate(divide="ignore", invalid="ignore"):
        return _OPERATIONS[str(tree["op"])](left, right)


def node_keys(tree: Tree) -> Iterator[str]:
    """Keys of the measurements a tree needs, in the order they are written, repeats included."""
    if "node" in tree:
        yield str(tree["node"])
    for operand in operands(tree):
        yield from node_keys(operand)


def is_number(tree: Tree) -> bool:
    """Whether a tree is arithmetic on numbers alone, with nothing measured in it."""
    return next(node_keys(tree), None) is None


def unit_of(tree: Tree, leaf: Callable[[str], str | None]) -> str | None:
    """The dimension of a tree, given that of each measurement; None for a plain number."""
    if "node" in tree:
        return leaf(str(tree["node"]))
    if "number" in tree:
        return None
    left, right = (unit_of(operand, leaf) for operand in operands(tree))
    if tree["op"] == "/":
        return None if left == right else left
    return left or right


def operands(tree: Tree) -> list[Tree]:
    """The two sides of an operation; nothing for a leaf."""
    sides: Any = tree.get("of", ())
    return list(sides)
