"""Dead channels: those without which a network gives the same logits.

A zero filter is not dead for that alone: batch norm's bias passes through a ReLU and on. A unit is
needed if some sum over channels needs it: it is multiplied with a weight that is not zero, for an
output that is needed, and what it holds depends on the input or is a constant that cannot be moved
elsewhere. Constants are moved into the bias of the sum, or into the running mean of the batch norm
right behind it, which is exact where a convolution pads no border. Whatever is fixed is needed.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lab.runtime.foreign.channels import Channels
from lab.runtime.foreign.constants import Known, constants, is_padded
from lab.runtime.foreign.graph import Graph, Node
from lab.runtime.foreign.shrink import Shrunk, emptied, shrink
from lab.runtime.foreign.step import base_name, references

Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class Liveness:
    """Which units are needed, by number, and why constant ones are though they say nothing."""

    needed: np.ndarray
    reasons: Mapping[int, str]


@dataclass(frozen=True)
class Sink:
    """An array that a constant is added to, or subtracted from where `sign` is -1."""

    kind: str
    name: str
    sign: int


@dataclass(frozen=True, eq=False)
class _Sum:
    """A sum over channels: weights (outputs, inputs, places), units, and what is known going in."""

    weights: np.ndarray
    outputs: np.ndarray
    inputs: np.ndarray
    known: Known
    sink: Sink | None
    padded: bool


def liveness(layers: Channels, params: Arrays, buffers: Arrays) -> Liveness:
    """The units that the logits need, given the weights."""
    return _liveness(layers, _sums(layers, params, buffers))


def without_dead(layers: Channels, params: Arrays, buffers: Arrays) -> Shrunk:
    """The network without its dead channels: the same logits, by a narrower graph."""
    sums = _sums(layers, params, buffers)
    needed = _liveness(layers, sums).needed
    params, buffers = _folded(sums, needed, dict(params), dict(buffers))
    return shrink(layers, params, buffers, needed)


def _sums(layers: Channels, params: Arrays, buffers: Arrays) -> list[_Sum]:
    found = constants(layers.graph, params, buffers)
    nodes = {node.name: node for node in layers.graph.nodes}
    sinks = _Sinks(layers.graph)
    sums = []
    for one in layers.exits:
        node = nodes[one.node]
        weights = np.moveaxis(np.asarray(params[one.weight]), (one.outputs, one.inputs), (0, 1))
        axes = layers.axes[one.weight]
        sums.append(
            _Sum(
                weights=weights.reshape(*weights.shape[:2], -1),
                outputs=axes[one.outputs],
                inputs=axes[one.inputs],
                known=_ending(node, found, weights.shape[1]),
                sink=sinks.of(node, one.bias),
                padded=is_padded(node),
            )
        )
    return sums


def _ending(node: Node, found: Mapping[str, Known], size: int) -> Known:
    """What is known of the channels that a sum is over."""
    operator = base_name(node.operator)
    value = found[node.args[1 if operator == "addmm" else 0]["ref"]]
    known = value.along(1 if "conv" in operator else -1)
    return Known(np.broadcast_to(known.values, size), np.broadcast_to(known.known, size))


class _Sinks:
    """Where the constant part of a sum may go."""

    def __init__(self, graph: Graph) -> None:
        self.uses = Counter(ref for node in graph.nodes for ref in references(node))
        self.uses.update(output.ref for output in graph.outputs)
        self.nodes = graph.nodes
        self.targets = {one.name: (one.kind, one.target) for one in graph.inputs}

    def of(self, node: Node, bias: str | None) -> Sink | None:
        """The bias that a node adds, or the running mean of the batch norm that follows."""
        if bias is not None:
            names = [name for name, target in self.targets.items() if target == ("parameter", bias)]
            return Sink("parameter", bias, 1) if self._once(names) else None
        after = next((n for n in self.nodes if node.name in references(n)), None)
        if after is None or base_name(after.operator) != _NORM or self.uses[node.name] != 1:
            return None
        mean = after.args[3]["ref"]
        kind, target = self.targets.get(mean, ("", ""))
        return Sink("buffer", target, -1) if kind == "buffer" and self._once([mean]) else None

    def _once(self, names: list[str]) -> bool:
        return sum(self.uses[name] for name in names) == 1


_NORM = "_native_batch_norm_legit_no_training"


def _liveness(layers: Channels, sums: list[_Sum]) -> Liveness:
    seeds = np.zeros(layers.count, bool)
    seeds[list(layers.fixed)] = True
    while True:
        needed = _reached(seeds, sums, everything_moves=False)
        short = emptied(layers, needed)
        if short is None:
            break
        seeds[short.unit] = True
    alone = needed & ~_reached(seeds, sums, everything_moves=True)
    return Liveness(needed, {unit: _why(unit, sums) for unit in np.flatnonzero(alone).tolist()})


def _reached(seeds: np.ndarray, sums: list[_Sum], *, everything_moves: bool) -> np.ndarray:
    """The units that seeds need, through all sums."""
    terms = [_terms(one, everything_moves=everything_moves) for one in sums]
    needed, before = seeds.copy(), -1
    while before != needed.sum():
        before = needed.sum()
        for one, term in zip(sums, terms, strict=True):
            outputs = (one.outputs < 0) | needed[one.outputs]
            inputs = one.inputs[term[outputs].any(axis=0)]
            needed[inputs[inputs >= 0]] = True
    return needed


def _terms(one: _Sum, *, everything_moves: bool) -> np.ndarray:
    """Which inputs stand in the sum of which output, but for constants that can be moved."""
    movable = everything_moves or (one.sink is not None and not one.padded)
    harmless = one.known.known & (movable | (one.known.values == 0))
    return (one.weights != 0).any(axis=2) & ~harmless


def _why(unit: int, sums: list[_Sum]) -> str:
    for one in sums:
        held = (one.inputs == unit) & one.known.known & (one.known.values != 0)
        if held.any() and one.padded:
            return "holds a constant that a padded convolution sees less of at the border"
        if held.any() and one.sink is None:
            return "holds a constant, and there is no bias to move it to"
    return "feeds a channel that holds a constant"


def _folded(
    sums: list[_Sum], needed: np.ndarray, params: dict[str, Any], buffers: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The state with the constants of removed channels moved."""
    state = {"parameter": params, "buffer": buffers}
    for one in sums:
        gone = (one.inputs >= 0) & ~needed[one.inputs] & one.known.known & (one.known.values != 0)
        if gone.any() and one.sink is not None and not one.padded:
            constant = one.weights.sum(axis=2)[:, gone] @ one.known.values[gone]
            arrays, name = state[one.sink.kind], one.sink.name
            arrays[name] = arrays[name] + one.sink.sign * constant.astype(arrays[name].dtype)
    return params, buffers
