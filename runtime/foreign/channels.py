"""The layer graph of a network: which channels of which arrays are removed only together.

Every axis of every parameter, buffer and constant is told in *units*: entry `i` of an axis belongs
to unit `axes[name][axis][i]`, and removing a unit removes its entries everywhere. Units couple what
meets: a convolution's outputs, the batch norm behind it and the inputs of what follows; both sides
of a residual sum; the channels of a depthwise convolution; the columns that a flattened map
becomes; queries, keys and values of a head. They follow from the operators of the graph alone
(`lab.runtime.foreign.units`), so that a network of any make has them; where an operator is not
understood, what it is given is fixed, and the reason says so.

Units that occur in the same axes are a *group*: the 64 hidden channels of a block are one group of
64 units.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lab.runtime.foreign.coupling import RULES, unknown, untracked
from lab.runtime.foreign.graph import Graph
from lab.runtime.foreign.sizes import sizes_of
from lab.runtime.foreign.step import Exit, Step
from lab.runtime.foreign.units import Block, Couplings, Source, Value

ANSWER = "is part of the network's answer"


@dataclass(frozen=True)
class Group:
    """Units that occur in the same axes of the same arrays.

    `units` are their numbers. `axes` are (name, axis) pairs. `fixed` says why none of them may be
    removed, and is empty where they may.
    """

    units: tuple[int, ...]
    axes: tuple[tuple[str, int], ...]
    fixed: str


@dataclass(frozen=True, eq=False)
class Channels:
    """The layer graph.

    `axes[name][axis]` is the unit of each entry along an axis of an array of the state, -1 where
    the axis is of length one; `constants` is the same of the graph's constants. `fixed` are reasons
    by unit. `exits` are where channels are summed over. `values` are what names in the graph stand
    for, in atoms, and `units` the unit of every atom.
    """

    graph: Graph
    axes: Mapping[str, tuple[np.ndarray, ...]]
    constants: Mapping[str, tuple[np.ndarray, ...]]
    fixed: Mapping[int, str]
    exits: tuple[Exit, ...]
    values: Mapping[str, Any]
    units: np.ndarray

    @property
    def count(self) -> int:
        """How many units there are."""
        return int(self.units.max()) + 1 if len(self.units) else 0

    def groups(self) -> tuple[Group, ...]:
        """All groups, in the order of the arrays in the graph."""
        places: dict[int, list[tuple[str, int]]] = defaultdict(list)
        for name, axes in self.axes.items():
            for axis, units in enumerate(axes):
                for unit in np.unique(units[units >= 0]).tolist():
                    places[unit].append((name, axis))
        alike: dict[tuple[tuple[tuple[str, int], ...], str], list[int]] = defaultdict(list)
        for unit, where in places.items():
            alike[tuple(where), self.fixed.get(unit, "")].append(unit)
        return tuple(Group(tuple(units), where, why) for (where, why), units in alike.items())

    def removable(self) -> tuple[Group, ...]:
        """The groups whose units may be removed."""
        return tuple(group for group in self.groups() if not group.fixed)


def channels(graph: Graph) -> Channels:
    """The layer graph of a network from its evaluating graph."""
    couplings, exits = Couplings(), []
    sizes = sizes_of(graph)
    arrays = _arrays(graph, couplings)
    values: dict[str, Any] = {
        one.name: arrays[one.kind, one.target] if one.kind != "user" else Value(sizes[one.name])
        for one in graph.inputs
    }
    for node in graph.nodes:
        step = Step(node, values, sizes[node.name], couplings, exits)
        values[node.name] = traced(step)
        for value in flat(values[node.name]):
            for block in value.blocks:
                couplings.keep_rectangular(block.atoms)
    for output in graph.outputs:
        if output.kind == "buffer":
            _couple(arrays["buffer", output.target], values[output.ref], couplings)
        else:
            for block in (block for value in flat(values[output.ref]) for block in value.blocks):
                couplings.fix(block.atoms, ANSWER)
    units, reasons = couplings.settled()
    axes = {key: tuple(_units(value, units)) for key, value in arrays.items()}
    return Channels(
        graph=graph,
        axes={name: one for (kind, name), one in axes.items() if kind != "constant"},
        constants={name: one for (kind, name), one in axes.items() if kind == "constant"},
        fixed=reasons,
        exits=tuple(exits),
        values=values,
        units=units,
    )


def _arrays(graph: Graph, couplings: Couplings) -> dict[tuple[str, str], Value]:
    """The parameters, buffers and constants, with an atom for each entry of each axis."""
    arrays: dict[tuple[str, str], Value] = {}
    for one in graph.inputs:
        if one.kind != "user" and (one.kind, one.target) not in arrays:
            shape = tuple(size or 1 for size in one.shape)
            blocks = tuple(
                Block((axis,), couplings.minted(size))
                for axis, size in enumerate(shape)
                if size > 1
            )
            state = one.kind in ("parameter", "buffer")
            source = Source(one.target, tuple(range(len(shape)))) if state else None
            arrays[one.kind, one.target] = Value(shape, blocks, source)
    return arrays


def _couple(buffer: Value, moved: Value, couplings: Couplings) -> None:
    """A buffer and its new value have the same channels."""
    for block in buffer.blocks:
        other = moved.along(block.axes[0])
        if other is None or other.axes != block.axes:
            couplings.fix(block.atoms, "moves in a way that is not understood")
        else:
            couplings.join(block.atoms, other.atoms)


def traced(step: Step) -> Any:
    """What a node computes, in atoms: a value, a number, or several."""
    if isinstance(step.result, int | float | bool):
        for value in step.values():
            step.fix(value.along(step.argument(1, "dim", 0)), "is counted")
        return step.result
    if step.operator == "getitem":
        return step.argument(0)[step.argument(1)]
    if not any(value.blocks for value in step.values()):
        return untracked(step.result)
    return RULES.get(step.operator, unknown)(step)


def flat(traced: Any) -> list[Value]:
    """The values among what a name stands for."""
    if isinstance(traced, Value):
        return [traced]
    return [v for one in traced for v in flat(one)] if isinstance(traced, list) else []


def _units(value: Value, units: np.ndarray) -> Iterator[np.ndarray]:
    for axis, size in enumerate(value.shape):
        block = value.along(axis)
        yield np.full(size, -1) if block is None else units[block.atoms]
