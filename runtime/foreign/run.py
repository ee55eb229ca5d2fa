"""A graph of operators, computed in JAX: a pure function of parameters, buffers and inputs.

It can be jitted, differentiated and mapped over parameters. Arrays are computed with in the type of
the weights: those in bfloat16 make products and activations in bfloat16.
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from lab.runtime.foreign.channels_last import answered, as_torch
from lab.runtime.foreign.graph import Graph, Input, Node
from lab.runtime.foreign.operators import OPERATORS, RANDOM
from lab.runtime.foreign.operators.randomness import Draws

Arrays = dict[str, Array]


def compute(
    graph: Graph,
    params: Mapping[str, Array],
    buffers: Mapping[str, Array],
    inputs: Mapping[str, Array],
    *,
    keys: PRNGKeyArray | None = None,
) -> tuple[Arrays, Arrays]:
    """What a graph answers, by name, and all buffers as they are after it.

    `inputs` are by keyword. `keys`, one for every example, are for dropout: each example has its
    own draw, however a batch is cut. Without keys nothing is dropped.
    """
    given = {"parameter": params, "buffer": buffers, "user": inputs, "constant": graph.constants}
    values: dict[str, Any] = {one.name: _taken(given, one) for one in graph.inputs}
    for node in graph.nodes:
        values[node.name] = _computed(node, values, keys)
    outputs = {one.target: as_torch(values[one.ref]) for one in graph.outputs if one.kind == "user"}
    moved = {one.target: values[one.ref] for one in graph.outputs if one.kind == "buffer"}
    return outputs, {name: moved.get(name, value) for name, value in buffers.items()}


def _taken(given: Mapping[str, Mapping[str, Any]], one: Input) -> Array:
    value = given[one.kind][one.target]
    return jnp.asarray(value) if one.kind == "constant" else value


def _computed(node: Node, values: Mapping[str, Any], keys: PRNGKeyArray | None) -> Any:
    args = [_argument(one, values) for one in node.args]
    kwargs = {name: _argument(one, values) for name, one in node.kwargs.items()}
    if node.operator in RANDOM:
        draws = Draws(keys, kwargs.pop("place"), kwargs.pop("axis"))
        return RANDOM[node.operator](*as_torch(args), draws=draws, **kwargs)
    return answered(node.operator, OPERATORS[node.operator], args, kwargs)


def _argument(said: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(said, Mapping):
        ((kind, value),) = said.items()
        return values[value] if kind == "ref" else _SAID[kind](value)
    if isinstance(said, (list, tuple)):
        return [_argument(one, values) for one in said]
    return said


_SAID = {"dtype": jnp.dtype, "float": float}
