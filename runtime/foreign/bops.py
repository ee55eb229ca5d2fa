"""Bit operations: multiplications × bits of a weight × bits of an activation, of one example.

Two kinds, never mixed. *Structured*: of the network that is physically narrower
(`lab.runtime.foreign.dead.without_dead`), every multiplication of it. *Unstructured*: of these, the
multiplications with weights that are not zero. A ratio is relative to the whole network at 32 × 32.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lab.runtime.foreign.graph import Graph
from lab.runtime.foreign.macs import Cost, costs

FULL_BITS = 32.0


def structured(
    graph: Graph, weight_bits: Mapping[str, float], *, activation_bits: float = FULL_BITS
) -> float:
    """Bit operations of every multiplication in a graph.

    `weight_bits` are bits of a weight by parameter, 32 where there are none. Where two activations
    are multiplied both have `activation_bits`.
    """
    return sum(
        cost.macs * _bits(cost, weight_bits, activation_bits) * activation_bits
        for cost in costs(graph)
    )


def unstructured(
    graph: Graph,
    params: Mapping[str, Any],
    weight_bits: Mapping[str, float],
    *,
    activation_bits: float = FULL_BITS,
) -> float:
    """Bit operations of the multiplications whose weight is not zero."""
    return sum(
        nonzero_macs(cost, params) * _bits(cost, weight_bits, activation_bits) * activation_bits
        for cost in costs(graph)
    )


def nonzero_macs(cost: Cost, params: Mapping[str, Any]) -> float:
    """A node's multiplications whose weight is not zero: a weight is used as often as any other."""
    if not cost.weight:
        return cost.macs
    weights = np.asarray(params[cost.weight])
    return cost.macs * np.count_nonzero(weights) / weights.size


def _bits(cost: Cost, weight_bits: Mapping[str, float], activation_bits: float) -> float:
    return weight_bits.get(cost.weight, FULL_BITS) if cost.weight else activation_bits
