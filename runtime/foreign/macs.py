"""How many multiplications one example costs, operator by operator.

Counted are the multiplications of convolutions, matrix products and attention: an output entry
costs one for every number that is summed into it, zeros of padding included. What happens entry by
entry (norms, activations, sums) is not counted, as in every published figure. ResNet-20 for 32 × 32
images has 40,551,040.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.runtime.foreign.graph import Argument, Graph, Node
from lab.runtime.foreign.sizes import Sizes, sizes_of
from lab.runtime.foreign.step import base_name

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Cost:
    """Multiplications of one node for one example.

    `weight` is the parameter that is multiplied with, by name, empty where both factors are
    computed or the parameter is turned into something else first.
    """

    node: str
    module: str
    weight: str
    macs: int


def macs(graph: Graph) -> int:
    """Multiplications of one example's forward pass."""
    return sum(cost.macs for cost in costs(graph))


def costs(graph: Graph) -> tuple[Cost, ...]:
    """What each node costs, without nodes that multiply nothing."""
    sizes = sizes_of(graph)
    weights = _weights(graph)
    return tuple(
        Cost(node.name, node.module, _weight_of(node, weights), _COUNTS[operator](node, sizes))
        for node in graph.nodes
        if (operator := base_name(node.operator)) in _COUNTS
    )


def _weights(graph: Graph) -> Mapping[str, str]:
    """The parameter that a name is, however its axes are turned."""
    found = {one.name: one.target for one in graph.of_kind("parameter")}
    for node in graph.nodes:
        if base_name(node.operator) in _TURNS and _ref(node.args[0]) in found:
            found[node.name] = found[_ref(node.args[0])]
    return found


_TURNS = ("t", "transpose", "permute", "_to_copy", "contiguous", "clone", "alias", "detach")


def _weight_of(node: Node, weights: Mapping[str, str]) -> str:
    if base_name(node.operator) == "einsum":
        return ""
    factors = _FACTORS.get(base_name(node.operator), (0, 1))
    return next((weights[r] for i in factors if (r := _ref(node.args[i])) in weights), "")


def _ref(argument: Argument) -> str:
    return argument["ref"] if isinstance(argument, Mapping) and "ref" in argument else ""


def _size(node: Node, place: int, sizes: Sizes) -> Shape:
    return sizes[_ref(node.args[place])]


def _convolution(node: Node, sizes: Sizes) -> int:
    images, kernel = _size(node, 0, sizes), _size(node, 1, sizes)
    turned = "transpose" in node.operator or bool(node.kwargs.get("transposed", False))
    places = images if turned else sizes[node.name]
    return math.prod(places) * math.prod(kernel[1:])


def _product(node: Node, sizes: Sizes) -> int:
    first, _ = _FACTORS.get(base_name(node.operator), (0, 1))
    return math.prod(sizes[node.name]) * _size(node, first, sizes)[-1]


def _attention(node: Node, sizes: Sizes) -> int:
    query, key, value = (_size(node, place, sizes) for place in range(3))
    return math.prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _einsum(node: Node, sizes: Sizes) -> int:
    """Each entry sums over the letters that it has not; a third factor costs as much again."""
    equation, operands = node.args[0].replace(" ", ""), node.args[1]
    letters, _, kept = equation.partition("->")
    shapes = [sizes[_ref(operand)] for operand in operands]
    found: dict[str, int] = {}
    for word, shape in zip(letters.split(","), shapes, strict=True):
        before, _, after = word.partition("...")
        found |= dict(zip(before, shape, strict=False))
        found |= dict(zip(reversed(after), reversed(shape), strict=False))
    summed = math.prod(size for letter, size in found.items() if letter not in kept)
    return math.prod(sizes[node.name]) * summed * (len(operands) - 1)


#: Where the two factors stand among the arguments, where they are not the first two.
_FACTORS = {"addmm": (1, 2), "baddbmm": (1, 2), "addmv": (1, 2)}
_COUNTS: Mapping[str, Callable[[Node, Any], int]] = {
    **dict.fromkeys(
        ("conv1d", "conv2d", "conv3d", "convolution",
         "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
        _convolution,
    ),
    **dict.fromkeys(
        ("linear", "matmul", "mm", "bmm", "mv", "dot", "addmm", "baddbmm", "addmv"), _product
    ),
    "scaled_dot_product_attention": _attention,
    "einsum": _einsum,
}  # fmt: skip
