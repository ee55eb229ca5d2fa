"""What a network computes whatever it is given: entries that do not depend on the input.

A filter of zeros answers its bias everywhere; a batch norm of slope zero answers its bias; what
follows of them entry by entry is constant too, and zero times anything is zero. An array is told
for one example; an axis along which nothing changes has length one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lab.runtime.foreign.coupling import ENTRYWISE
from lab.runtime.foreign.graph import Argument, Graph, Node
from lab.runtime.foreign.operators import OPERATORS
from lab.runtime.foreign.sizes import Sizes, sizes_of
from lab.runtime.foreign.step import base_name


@dataclass(frozen=True, eq=False)
class Known:
    """Values, and which of them hold whatever the input; the others are zero here."""

    values: np.ndarray
    known: np.ndarray

    def along(self, axis: int) -> "Known":
        """What is known of every place along an axis: the same at all other places, or nothing."""
        others = tuple(a for a in range(self.values.ndim) if a != axis % self.values.ndim)
        same = self.values.min(axis=others) == self.values.max(axis=others)
        known = self.known.all(axis=others) & same
        return Known(np.where(known, self.values.max(axis=others), 0), known)


def constants(
    graph: Graph, params: Mapping[str, Any], buffers: Mapping[str, Any]
) -> dict[str, Known]:
    """What is known of every array in a graph, by name; of several results, of the first."""
    sizes = sizes_of(graph)
    given = {"parameter": params, "buffer": buffers, "constant": graph.constants}
    found = {
        one.name: _nothing(sizes[one.name])
        if one.kind == "user"
        else _all(np.asarray(given[one.kind][one.target]))
        for one in graph.inputs
    }
    for node in graph.nodes:
        size = sizes[node.name]
        first = size[0] if isinstance(size, list) and size else size
        if isinstance(first, tuple):
            found[node.name] = _known(_Call(node, found, sizes, first))
    return found


def _nothing(shape: tuple[int, ...]) -> Known:
    return Known(np.zeros([1] * len(shape), np.float32), np.zeros([1] * len(shape), bool))


def _all(values: np.ndarray) -> Known:
    return Known(values, np.ones(values.shape, bool))


def _short(values: np.ndarray, known: np.ndarray) -> Known:
    """Axes along which nothing changes, at length one."""
    values = np.where(known, values, np.zeros((), values.dtype))
    for axis, size in enumerate(values.shape):
        if size > 1:
            first, first_known = values.take([0], axis), known.take([0], axis)
            if np.array_equal(np.broadcast_to(first, values.shape), values) and np.array_equal(
                np.broadcast_to(first_known, known.shape), known
            ):
                values, known = first, first_known
    return Known(values, known)


@dataclass(frozen=True)
class _Call:
    """A node with what is known of its arguments."""

    node: Node
    found: Mapping[str, Known]
    sizes: Sizes
    shape: tuple[int, ...]

    def known(self, place: int, name: str = "") -> Known | None:
        """What is known of an argument, None where it is no array."""
        args = self.node.args
        said = args[place] if place < len(args) else self.node.kwargs.get(name)
        return self.found.get(said["ref"]) if isinstance(said, Mapping) and "ref" in said else None

    def full(self, place: int) -> Known:
        """An argument with its axes at full length."""
        shape = self.sizes[self.node.args[place]["ref"]]
        one = self.found[self.node.args[place]["ref"]]
        return Known(np.broadcast_to(one.values, shape), np.broadcast_to(one.known, shape))

    def argument(self, said: Argument, *, truth: bool) -> Any:
        """An argument as values, or as zeros and ones: whether they are not known."""
        if isinstance(said, Mapping) and "ref" in said:
            one = self.found.get(said["ref"])
            if one is None:
                return self.sizes[said["ref"]]
            shape = self.sizes[said["ref"]]
            array = (~one.known).astype(np.float32) if truth else one.values
            return np.broadcast_to(array, shape)
        if isinstance(said, Mapping):
            return float(said["float"]) if "float" in said else said["dtype"]
        if isinstance(said, list | tuple):
            return [self.argument(one, truth=truth) for one in said]
        return said

    def run(self, *, truth: bool) -> Any:
        """The operator, applied to the arguments."""
        args = [self.argument(one, truth=truth) for one in self.node.args]
        named = {n: self.argument(one, truth=truth) for n, one in self.node.kwargs.items()}
        return OPERATORS[self.node.operator](*args, **named)


def _known(call: _Call) -> Known:
    return _RULES.get(base_name(call.node.operator), _unknown)(call)


def _unknown(call: _Call) -> Known:
    return _nothing(call.shape)


def _moved(call: _Call) -> Known:
    """Operators that move entries move what is known of them; padding is known."""
    if base_name(call.node.operator) not in _ADDS and not _any_known(call):
        return _unknown(call)
    values, unknown = np.asarray(call.run(truth=False)), np.asarray(call.run(truth=True))
    return _short(values, unknown == 0)


def _any_known(call: _Call) -> bool:
    one = call.known(0)
    return one is None or bool(one.known.any())


def _first_part(call: _Call) -> Known:
    """Of several results, the first is known."""
    ref, place = call.node.args[0]["ref"], call.node.args[1]
    return call.found[ref] if place == 0 and ref in call.found else _unknown(call)


def _entrywise(call: _Call) -> Known:
    """Known where all arguments are."""
    args = [one for i in range(len(call.node.args)) if (one := call.known(i)) is not None]
    rank = len(call.shape)
    known = np.ones([1] * rank, bool)
    for one in args:
        known = known & one.known
    if not known.any():
        return _nothing(call.shape)
    said = [call.known(i) or call.argument(a, truth=False) for i, a in enumerate(call.node.args)]
    plain = [one.values if isinstance(one, Known) else one for one in said]
    named = {n: call.argument(a, truth=False) for n, a in call.node.kwargs.items()}
    values = np.asarray(OPERATORS[call.node.operator](*plain, **named))
    return _short(*np.broadcast_arrays(values, known))


def _multiplied(call: _Call) -> Known:
    """Known where both factors are, and zero where one is."""
    one, other = call.known(0), call.known(1)
    both = _entrywise(call)
    if one is None or other is None:
        return both
    zero = (one.known & (one.values == 0)) | (other.known & (other.values == 0))
    return _short(*np.broadcast_arrays(np.where(both.known, both.values, 0), both.known | zero))


def _summed(inputs: Known, weights: np.ndarray) -> Known:
    """Sums `x W` over the last axis, `weights` (inputs, outputs): known terms and zero weights."""
    unknown = (~inputs.known).astype(np.float32) @ (weights != 0).astype(np.float32)
    return Known(inputs.values @ weights, unknown == 0)


def _with_bias(one: Known, bias: Known | None, shape: tuple[int, ...]) -> Known:
    if bias is None:
        return _short(one.values, one.known)
    values = one.values + bias.values.reshape(shape)
    return _short(values, one.known & bias.known.reshape(shape))


def _linear(call: _Call) -> Known:
    weight = call.known(1)
    if weight is None or not weight.known.all():
        return _unknown(call)
    matrix = np.broadcast_to(weight.values, call.sizes[call.node.args[1]["ref"]]).T
    return _product(call, 0, matrix, call.known(2, "bias"))


def _matmul(call: _Call) -> Known:
    places = (1, 2) if base_name(call.node.operator) == "addmm" else (0, 1)
    weight = call.known(places[1])
    size = call.sizes[call.node.args[places[1]]["ref"]]
    if weight is None or not weight.known.all() or len(size) != 2:
        return _zero_product(call, *places)
    bias = call.known(0) if places[0] else None
    return _product(call, places[0], np.broadcast_to(weight.values, size), bias)


def _product(call: _Call, place: int, matrix: np.ndarray, bias: Known | None) -> Known:
    """With a matrix of weights; only the last axis of the inputs at full length."""
    inputs = call.found[call.node.args[place]["ref"]]
    shape = (*inputs.values.shape[:-1], matrix.shape[0])
    wide = Known(np.broadcast_to(inputs.values, shape), np.broadcast_to(inputs.known, shape))
    return _with_bias(_summed(wide, matrix), bias, (-1,))


def _zero_product(call: _Call, first: int, second: int) -> Known:
    """Of two values that are computed: zero where a whole row or column is."""
    if first:
        return _unknown(call)
    one, other = call.found[call.node.args[first]["ref"]], call.found[call.node.args[second]["ref"]]
    rows = (one.known & (one.values == 0)).all(axis=-1, keepdims=True)
    columns = (other.known & (other.values == 0)).all(axis=-2, keepdims=True)
    known = rows | columns
    return _short(np.zeros(known.shape, np.float32), known)


def _attention(call: _Call) -> Known:
    """Shares of values that are zero everywhere are zero."""
    values = call.found[call.node.args[2]["ref"]]
    known = (values.known & (values.values == 0)).all(axis=-2, keepdims=True)
    return _short(np.zeros(known.shape, np.float32), known)


def _convolved(call: _Call) -> Known:
    """Constant inputs sum to a constant where no border is padded, zeros everywhere."""
    weight = call.known(1)
    if weight is None or not weight.known.all() or call.node.kwargs.get("transposed"):
        return _unknown(call)
    kernel = np.broadcast_to(weight.values, call.sizes[call.node.args[1]["ref"]])
    channels = call.sizes[call.node.args[0]["ref"]][1]
    inputs = call.found[call.node.args[0]["ref"]].along(1)
    inputs = Known(*(np.broadcast_to(one, channels) for one in (inputs.values, inputs.known)))
    if is_padded(call.node):
        inputs = Known(inputs.values, inputs.known & (inputs.values == 0))
    groups = channels // kernel.shape[1]
    flat = kernel.reshape(groups, -1, *kernel.shape[1:])
    total = flat.sum(axis=tuple(range(3, flat.ndim)))
    touched = (flat != 0).any(axis=tuple(range(3, flat.ndim)))
    values, known = inputs.values.reshape(groups, -1), inputs.known.reshape(groups, -1)
    sums = np.einsum("goi,gi->go", total, np.where(known, values, 0)).ravel()
    sure = np.einsum("goi,gi->go", touched.astype(np.float32), (~known).astype(np.float32)) == 0
    shape = (1, -1, *[1] * (kernel.ndim - 2))
    one = Known(sums.reshape(shape), sure.reshape(shape))
    return _with_bias(one, call.known(2, "bias"), shape)


def is_padded(node: Node) -> bool:
    """Whether a convolution adds zeros around its images."""
    padding = node.kwargs.get("padding", 0)
    if isinstance(padding, str):
        return padding != "valid"
    return any(padding) if isinstance(padding, list | tuple) else bool(padding)


def _batch_norm(call: _Call) -> Known:
    """Slope zero answers the bias; a constant is moved and scaled."""
    x = call.found[call.node.args[0]["ref"]]
    shape = (1, -1, *[1] * (len(call.sizes[call.node.args[0]["ref"]]) - 2))
    weight, bias, mean, variance = (call.known(i) for i in (1, 2, 3, 4))
    if mean is None or variance is None or not (mean.known.all() and variance.known.all()):
        return _unknown(call)
    slope = 1 / np.sqrt(variance.values + call.node.kwargs.get("eps", 1e-5))
    slope = slope if weight is None else slope * weight.values
    offset = -mean.values * slope + (0 if bias is None else bias.values)
    slope, offset = slope.reshape(shape), offset.reshape(shape)
    sure = np.ones_like(slope, bool)
    for one in (weight, bias):
        sure = sure if one is None else sure & one.known.reshape(shape)
    offset = np.where(slope == 0, 0 if bias is None else bias.values.reshape(shape), offset)
    return _short(*np.broadcast_arrays(x.values * slope + offset, (x.known | (slope == 0)) & sure))


def _normalized(call: _Call) -> Known:
    """Over channels: where the slope is zero, the bias is answered."""
    weight, bias = call.known(1, "weight"), call.known(2, "bias")
    if weight is None or bias is None:
        return _unknown(call)
    rank = len(call.shape)
    shape = (1,) * (rank - weight.values.ndim) + weight.values.shape
    if "group" in call.node.operator:
        shape = (1, -1, *[1] * (rank - 2))
    known = weight.known & (weight.values == 0) & bias.known
    return _short(bias.values.reshape(shape), known.reshape(shape))


def _pooled(call: _Call) -> Known:
    """Channels that are the same everywhere stay so, unless zeros are averaged in from outside."""
    one = call.found[call.node.args[0]["ref"]]
    if one.values.shape[1:] == (1,) * (one.values.ndim - 1):
        return Known(one.values, one.known)
    channels = one.along(1)
    sure = channels.known
    if call.node.operator.startswith("avg_pool") and is_padded(call.node):
        sure = sure & (channels.values == 0)
    shape = (1, -1, *[1] * (len(call.shape) - 2))
    return _short(channels.values.reshape(shape), sure.reshape(shape))


def _reduced(call: _Call) -> Known:
    """Averages of what is known everywhere."""
    one = call.full(0)
    if not one.known.any():
        return _unknown(call)
    found = np.asarray(call.run(truth=False))
    dims = {n: v for n, v in call.node.kwargs.items() if n in ("dim", "keepdim")}
    unknown = np.asarray(OPERATORS["amax"](one.known == 0, **dims))
    return _short(found, ~unknown)


_MOVES = (
    "view", "reshape", "_unsafe_view", "permute", "transpose", "t", "expand", "slice", "select",
    "squeeze", "unsqueeze", "cat", "stack", "pad", "constant_pad_nd", "flip", "roll", "clone",
    "contiguous", "alias", "detach", "unflatten", "narrow", "lift_fresh_copy",
)  # fmt: skip
#: Operators among them whose result has entries that no argument has, or several arguments.
_ADDS = ("pad", "constant_pad_nd", "cat", "stack")
_POOLS = (
    "max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "upsample_nearest2d", "adaptive_max_pool2d",
)  # fmt: skip
_RULES: Mapping[str, Callable[[_Call], Known]] = {
    **dict.fromkeys(ENTRYWISE, _entrywise),
    **dict.fromkeys(_MOVES, _moved),
    **dict.fromkeys(_POOLS, _pooled),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution"), _convolved),
    **dict.fromkeys(("layer_norm", "group_norm"), _normalized),
    **dict.fromkeys(("matmul", "mm", "bmm", "addmm"), _matmul),
    **dict.fromkeys(("mean", "sum", "amax", "amin"), _reduced),
    "_native_batch_norm_legit_no_training": _batch_norm,
    "getitem": _first_part,
    "mul": _multiplied,
    "linear": _linear,
    "scaled_dot_product_attention": _attention,
}
