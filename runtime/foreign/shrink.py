"""A network without some of its channels: the same graph, narrower.

What is removed are units of the layer graph (`lab.runtime.foreign.channels`): their entries leave
every array, and sizes that the graph has as numbers (views, splits, groups of a convolution) become
those of what is left. The logits are those of the whole network with the removed channels' weights
in every sum set to zero.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lab.runtime.errors import UnsuitableSetting
from lab.runtime.foreign.channels import Channels, channels, flat
from lab.runtime.foreign.graph import Conversion, Graph, Node
from lab.runtime.foreign.step import base_name
from lab.runtime.foreign.units import Value

#: The places that stay, along every axis.
Places = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Shrunk:
    """A narrower network. `places[name][axis]` are the entries of the whole array that stayed."""

    graph: Graph
    params: Mapping[str, Any]
    buffers: Mapping[str, Any]
    places: Mapping[str, Places]


def shrink(
    layers: Channels,
    params: Mapping[str, Any],
    buffers: Mapping[str, Any],
    keep: np.ndarray,
) -> Shrunk:
    """The network with those units alone for which `keep`, one truth value a unit, is true.

    Arrays may be of numpy or of JAX. Raises `UnsuitableSetting` where a unit is fixed or nothing
    would be left along an axis.
    """
    places = remaining(layers, keep)
    return Shrunk(
        graph=shrunk_graph(layers, keep),
        params={name: cut(values, places.get(name)) for name, values in params.items()},
        buffers={name: cut(values, places.get(name)) for name, values in buffers.items()},
        places=places,
    )


def remaining(layers: Channels, keep: np.ndarray) -> dict[str, Places]:
    """The entries along every axis of every array of the state that stay."""
    keep = np.asarray(keep, bool)
    _refuse_fixed(layers, keep)
    short = emptied(layers, keep)
    if short is not None:
        raise UnsuitableSetting(
            f"nothing would be left of axis {short.axis} of {short.name}: keep a channel of it"
        )
    return {n: tuple(_places(u, keep) for u in axes) for n, axes in layers.axes.items()}


@dataclass(frozen=True)
class Emptied:
    """An axis of a value, along which nothing is left, and a unit that would be something."""

    name: str
    axis: int
    unit: int


def emptied(layers: Channels, keep: np.ndarray) -> Emptied | None:
    """An axis along which nothing would be left, where there is one."""
    names = {one.name: one.target for one in layers.graph.inputs}
    for name, traced in layers.values.items():
        for block in (block for value in flat(traced) for block in value.blocks):
            units = layers.units[block.atoms]
            if not keep[units].any():
                return Emptied(names.get(name, name), block.axes[0], int(units.flat[0]))
    return None


def spared(layers: Channels, keep: np.ndarray) -> np.ndarray:
    """The same choice, with as many more units kept as it takes for no axis to be emptied."""
    keep = np.array(keep, bool)
    while (short := emptied(layers, keep)) is not None:
        keep[short.unit] = True
    return keep


def cut(values: Any, places: Places | None) -> Any:
    """An array without what is removed."""
    if places is None or all(
        len(left) == size for left, size in zip(places, values.shape, strict=True)
    ):
        return values
    for axis, left in enumerate(places):
        values = values.take(left, axis=axis)
    return values


def _refuse_fixed(layers: Channels, keep: np.ndarray) -> None:
    removed = np.flatnonzero(~np.asarray(keep, bool))
    fixed = next((unit for unit in removed.tolist() if unit in layers.fixed), None)
    if fixed is not None:
        group = next(group for group in layers.groups() if fixed in group.units)
        name, axis = group.axes[0]
        raise UnsuitableSetting(
            f"channels of axis {axis} of {name} cannot be removed: one {layers.fixed[fixed]}"
        )


def _places(units: np.ndarray, keep: np.ndarray) -> np.ndarray:
    return np.flatnonzero((units < 0) | np.asarray(keep, bool)[units])


def shrunk_graph(layers: Channels, keep: np.ndarray) -> Graph:
    """The graph of the narrower network."""
    return _Cutter(layers, np.asarray(keep, bool)).graph()


class _Cutter:
    """One graph while it becomes narrower."""

    def __init__(self, layers: Channels, keep: np.ndarray) -> None:
        self.layers, self.keep = layers, keep

    def graph(self) -> Graph:
        """The narrower graph."""
        whole = self.layers.graph
        constants = {
            name: cut(values, self._constant_places(name))
            for name, values in whole.constants.items()
        }
        inputs = tuple(replace(one, shape=self._shape(one.name, one.shape)) for one in whole.inputs)
        return Graph(inputs, tuple(map(self._cut, whole.nodes)), whole.outputs, constants)

    def _constant_places(self, name: str) -> Places | None:
        axes = self.layers.constants.get(name)
        return None if axes is None else tuple(_places(units, self.keep) for units in axes)

    def left(self, name: str) -> list[np.ndarray]:
        """The places that stay along each axis of what a name stands for."""
        value: Value = self.layers.values[name]
        places = [np.arange(size) for size in value.shape]
        for block in value.blocks:
            kept = self.keep[self.layers.units[block.atoms]]
            for place, axis in enumerate(block.axes):
                others = tuple(i for i in range(kept.ndim) if i != place)
                places[axis] = np.flatnonzero(kept.any(axis=others))
        return places

    def _shape(self, name: str, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        if not isinstance(self.layers.values[name], Value):
            return shape
        left = self.left(name)
        return tuple(
            size if size is None else len(one) for size, one in zip(shape, left, strict=True)
        )

    def _cut(self, node: Node) -> Node:
        cutting = _CUTS.get(base_name(node.operator))
        shape = self._shape(node.name, node.shape)
        kwargs = dict(node.kwargs) if cutting is None else cutting(self, node)
        operator = "split_with_sizes" if "split_sizes" in kwargs else node.operator
        return replace(node, operator=operator, kwargs=kwargs, shape=shape)

    def changed(self, name: str) -> dict[int, int]:
        """The axes that are shorter than they were, with what they are long now."""
        value: Value = self.layers.values[name]
        left = self.left(name)
        return {a: len(left[a]) for a, size in enumerate(value.shape) if len(left[a]) != size}

    def axis(self, node: Node) -> tuple[str, int]:
        """The name of what an operator is given first, and the axis it works along."""
        name = node.args[0]["ref"]
        rank = len(self.layers.values[name].shape)
        return name, node.kwargs.get("dim", 0) % max(rank, 1)


def _viewed(cutter: _Cutter, node: Node) -> dict[str, Any]:
    key = next(key for key in ("size", "shape", "sizes") if key in node.kwargs)
    sizes = list(node.kwargs[key])
    first = cutter.axis(node)[1] if key == "sizes" else 0
    for axis, size in cutter.changed(node.name).items():
        place = axis - first
        if not 0 <= place < len(sizes) or sizes[place] == -1:
            continue
        computed = isinstance(sizes[place], Mapping)
        if computed and -1 in sizes:
            raise UnsuitableSetting(f"two sizes of the view in {node.module} depend on the batch")
        sizes[place] = -1 if computed else size
    return {**node.kwargs, key: sizes}


def _expanded(cutter: _Cutter, node: Node) -> dict[str, Any]:
    changed = cutter.changed(node.name)
    sizes = [changed.get(a, s) if s != -1 else s for a, s in enumerate(node.kwargs["size"])]
    return {**node.kwargs, "size": sizes}


def _sliced(cutter: _Cutter, node: Node) -> dict[str, Any]:
    name, axis = cutter.axis(node)
    if axis not in cutter.changed(name):
        return dict(node.kwargs)
    size, left = cutter.layers.values[name].shape[axis], cutter.left(name)[axis]
    chosen = range(size)[slice(node.kwargs.get("start"), node.kwargs.get("end"))]
    start, end = (int(np.searchsorted(left, edge)) for edge in (chosen.start, chosen.stop))
    return {**node.kwargs, "start": start, "end": end}


def _selected(cutter: _Cutter, node: Node) -> dict[str, Any]:
    name, axis = cutter.axis(node)
    left, size = cutter.left(name)[axis], cutter.layers.values[name].shape[axis]
    index = node.kwargs["index"]
    if isinstance(index, Mapping) or len(left) == size:
        return dict(node.kwargs)
    return {**node.kwargs, "index": int(np.searchsorted(left, index % size))}


def _split(cutter: _Cutter, node: Node) -> dict[str, Any]:
    name, axis = cutter.axis(node)
    if axis not in cutter.changed(name):
        return dict(node.kwargs)
    pieces = cutter.layers.values[node.name]
    edges = np.cumsum([0, *(piece.shape[axis] for piece in pieces)])
    sizes = np.diff(np.searchsorted(cutter.left(name)[axis], edges)).tolist()
    return {"split_sizes": sizes, "dim": axis}


def _padded(cutter: _Cutter, node: Node) -> dict[str, Any]:
    name = node.args[0]["ref"]
    shape, widths = cutter.layers.values[name].shape, list(node.kwargs["pad"])
    for axis in cutter.changed(node.name):
        place = 2 * (len(shape) - 1 - axis)
        if place < len(widths) and any(widths[place : place + 2]):
            edges = (widths[place], widths[place] + shape[axis])
            first, last = np.searchsorted(cutter.left(node.name)[axis], edges).tolist()
            widths[place : place + 2] = [first, len(cutter.left(node.name)[axis]) - last]
    return {**node.kwargs, "pad": widths}


def _convolved(cutter: _Cutter, node: Node) -> dict[str, Any]:
    groups = node.kwargs.get("groups", 1)
    outputs = cutter.layers.values[node.name].shape[1]
    if groups == 1:
        return dict(node.kwargs)
    left = len(cutter.left(node.name)[1])
    return {**node.kwargs, "groups": left * groups // outputs}


def _normalized(cutter: _Cutter, node: Node) -> dict[str, Any]:
    name = node.args[0]["ref"]
    whole, left = cutter.layers.values[name].shape[1], len(cutter.left(name)[1])
    key = "group" if "group" in node.kwargs else "num_groups"
    kwargs = {**node.kwargs, key: node.kwargs[key] * left // whole}
    return {**kwargs, "C": left} if "C" in kwargs else kwargs


_CUTS: Mapping[str, Callable[[_Cutter, Node], dict[str, Any]]] = {
    **dict.fromkeys(("view", "reshape", "_unsafe_view", "unflatten"), _viewed),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution"), _convolved),
    **dict.fromkeys(("split", "split_with_sizes", "chunk"), _split),
    **dict.fromkeys(("pad", "constant_pad_nd"), _padded),
    **dict.fromkeys(("group_norm", "native_group_norm"), _normalized),
    "expand": _expanded,
    "slice": _sliced,
    "select": _selected,
}


def shrunk_conversion(conversion: Conversion, keep: np.ndarray) -> Conversion:
    """Both graphs of the narrower network. `keep` is as the evaluating graph's units have it."""
    layers, training = channels(conversion.evaluating), channels(conversion.training)
    places = remaining(layers, keep)
    return replace(
        conversion,
        evaluating=shrunk_graph(layers, keep),
        training=shrunk_graph(training, _units_of(training, places)),
        parameters=_shapes(conversion.parameters, places),
        buffers=_shapes(conversion.buffers, places),
    )


def _units_of(layers: Channels, places: Mapping[str, Places]) -> np.ndarray:
    """The same choice in the units of another graph of the network."""
    keep = np.ones(layers.count, bool)
    for name, axes in layers.axes.items():
        for units, left in zip(axes, places.get(name, ()), strict=False):
            gone = np.setdiff1d(np.arange(len(units)), left)
            keep[units[gone]] = False
    for name, axes in layers.axes.items():
        for axis, units in enumerate(axes):
            if name in places and not np.array_equal(_places(units, keep), places[name][axis]):
                raise UnsuitableSetting(
                    f"axis {axis} of {name} has other channels in training than in evaluation"
                )
    return keep


def _shapes(
    shapes: Mapping[str, tuple[int, ...]], places: Mapping[str, Places]
) -> dict[str, tuple[int, ...]]:
    return {
        name: tuple(map(len, places[name])) if name in places else tuple(shape)
        for name, shape in shapes.items()
    }
