"""The shapes of all that a graph computes, for a batch of a given size; nothing is computed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from lab.runtime.foreign.graph import Graph, Input, Output
from lab.runtime.foreign.run import compute

#: By name: the shape of an array; a number as it is; a list where an operator has several results.
Sizes = Mapping[str, Any]


def sizes_of(graph: Graph, batch: int = 1) -> Sizes:
    """Shapes of inputs and of results of nodes. Sizes that depend on the batch are numbers here."""
    names = [node.name for node in graph.nodes]
    everything = replace(graph, outputs=tuple(Output(name, "user", name) for name in names))
    found: dict[str, Any] = {one.name: _shape(one, batch) for one in graph.inputs}

    def run(given: dict[str, dict[str, Any]]) -> None:
        results, _ = compute(everything, given["parameter"], given["buffer"], given["user"])
        found.update({name: _sizes(result) for name, result in results.items()})

    jax.eval_shape(run, {kind: _forms(graph, kind, batch) for kind in _GIVEN})
    return found


_GIVEN = ("parameter", "buffer", "user")


def _forms(graph: Graph, kind: str, batch: int) -> dict[str, jax.ShapeDtypeStruct]:
    return {
        one.target: jax.ShapeDtypeStruct(_shape(one, batch), jnp.dtype(one.dtype))
        for one in graph.of_kind(kind)
    }


def _shape(one: Input, batch: int) -> tuple[int, ...]:
    return tuple(batch if size is None else size for size in one.shape)


def _sizes(result: Any) -> Any:
    if isinstance(result, list | tuple):
        return [_sizes(one) for one in result]
    return result if isinstance(result, int | float) else tuple(result.shape)
