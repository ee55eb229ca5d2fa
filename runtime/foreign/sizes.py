"""The shapes of all that a graph computes, for a batch of a given size; nothing is computed."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from lab.runtime.foreign.graph import Argument, Graph, Input, Node
from lab.runtime.foreign.operators import OPERATORS, RANDOM
from lab.runtime.foreign.operators.randomness import Draws

#: By name: the shape of an array; a number as it is; a list where an operator has several results.
Sizes = Mapping[str, Any]


def sizes_of(graph: Graph, batch: int = 1) -> Sizes:
    """Shapes of inputs and of results of nodes. Sizes that depend on the batch are numbers here."""
    found: dict[str, Any] = {one.name: _shape(one, batch) for one in graph.inputs}

    def run(values: dict[str, Any]) -> None:
        for one in graph.of_kind("constant"):
            values[one.name] = jnp.asarray(graph.constants[one.target])
        for node in graph.nodes:
            values[node.name] = _result(node, values)
            found[node.name] = _sizes(values[node.name])

    forms = {
        one.name: jax.ShapeDtypeStruct(found[one.name], jnp.dtype(one.dtype))
        for one in graph.inputs
        if one.kind != "constant"
    }
    jax.eval_shape(run, forms)
    return found


def _result(node: Node, values: Mapping[str, Any]) -> Any:
    args = [_argument(one, values) for one in node.args]
    kwargs = {name: _argument(one, values) for name, one in node.kwargs.items()}
    if node.operator in RANDOM:
        draws = Draws(None, kwargs.pop("place"), kwargs.pop("axis"))
        return RANDOM[node.operator](*args, draws=draws, **kwargs)
    return OPERATORS[node.operator](*args, **kwargs)


def _argument(said: Argument, values: Mapping[str, Any]) -> Any:
    if isinstance(said, Mapping):
        ((kind, value),) = said.items()
        return values[value] if kind == "ref" else _SAID[kind](value)
    if isinstance(said, list | tuple):
        return [_argument(one, values) for one in said]
    return said


_SAID = {"dtype": jnp.dtype, "float": float}


def _shape(one: Input, batch: int) -> tuple[int, ...]:
    return tuple(batch if size is None else size for size in one.shape)


def _sizes(result: Any) -> Any:
    if isinstance(result, list | tuple):
        return [_sizes(one) for one in result]
    return result if isinstance(result, int | float) else tuple(result.shape)
