"""How operators that compute couple atoms: products with weights, norms, attention, reductions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lab.runtime.foreign import rearranging
from lab.runtime.foreign.step import Exit, Rule, Step, met
from lab.runtime.foreign.units import Block, Source, Value


def entrywise(step: Step) -> Value:
    """Arguments meet entry by entry."""
    return Value(step.result, met(step, step.values(), step.result))


def linear(step: Step) -> Value:
    """`x Wᵀ + b`."""
    x, weight, bias = (step.argument(i, name) for i, name in enumerate(("input", "weight", "bias")))
    turned = Value(weight.shape[::-1], _turned(weight.blocks), _reversed(weight.source))
    return _weighted(step, x, turned, bias)


def _turned(blocks: Sequence[Block]) -> tuple[Block, ...]:
    return tuple(rearranging.moved(block, [1 - a for a in block.axes]) for block in blocks)


def _reversed(source: Source | None) -> Source | None:
    return source and Source(source.name, source.axes[::-1])


def _weighted(step: Step, x: Value, weight: Value, bias: Value | None) -> Value:
    """`x` times a matrix (inputs, outputs): the last axis of `x` ends here, another begins."""
    last = len(step.result) - 1
    ending, inputs = x.along(-1), weight.along(0)
    _end(step, ending, inputs, separable=weight.source is not None)
    if ending is not None and inputs is not None and weight.source is not None:
        _note_exit(step, weight.source, bias)
    passing = tuple(b for b in x.besides(ending) if b.axes)
    begun = weight.along(1)
    new = () if begun is None else (Block((last,), begun.atoms),)
    product = Value(step.result, (*passing, *new))
    terms = [product] if bias is None else [product, bias]
    return Value(step.result, met(step, terms, step.result))


def _end(step: Step, ending: Block | None, inputs: Block | None, *, separable: bool) -> None:
    """Channels meet the weights that are multiplied with them, and are summed over."""
    if ending is None or inputs is None:
        for one in (ending, inputs):
            step.fix(one, "is summed with inputs that are no channels")
    elif len(ending.axes) > 1 or len(inputs.axes) > 1 or not separable:
        for one in (ending, inputs):
            step.fix(one, "is multiplied with weights that are computed")
    else:
        step.couplings.join(ending.atoms, inputs.atoms)


def _note_exit(step: Step, weight: Source, bias: Value | None) -> None:
    inputs, outputs = weight.axes[:2]
    if inputs is not None and outputs is not None:
        name = bias.source.name if bias is not None and bias.source is not None else None
        step.exits.append(Exit(step.node.name, weight.name, outputs, inputs, name))


def matmul(step: Step) -> Value:
    """`x @ y`."""
    return _product(step, step.argument(0), step.argument(1), None)


def added_matmul(step: Step) -> Value:
    """`b + x @ y`."""
    return _product(step, step.argument(1), step.argument(2), step.argument(0))


def _product(step: Step, x: Value, y: Value, bias: Value | None) -> Value:
    if y.source is not None and len(y.shape) == 2:
        return _weighted(step, x, y, bias)
    if min(len(x.shape), len(y.shape)) < 2:
        step.fix_all("is an inner product")
        return Value(step.result)
    blocks = _inner(step, x, y, len(step.result))
    terms = [Value(step.result, blocks), *([] if bias is None else [bias])]
    return Value(step.result, met(step, terms, step.result))


def _inner(step: Step, x: Value, y: Value, rank: int) -> tuple[Block, ...]:
    """Blocks of the product of two values that both are computed, batch axes in front."""
    why = "is summed in a product of two values"
    left = Value((*x.shape[:-1], 1), step.collapse(x, [len(x.shape) - 1], why))
    right = Value(
        (*y.shape[:-2], 1, y.shape[-1]), step.collapse(y, [len(y.shape) - 2], why)
    )  # fmt: skip
    shape = np.broadcast_shapes(left.shape, right.shape)
    return met(step, [left, right], shape[-rank:])


def attention(step: Step) -> Value:
    """`softmax(q kᵀ + mask) v`, heads in front."""
    query, key, value = (step.argument(i, n) for i, n in enumerate(("query", "key", "value")))
    mask = step.argument(3, "attn_mask")
    if step.argument(7, "enable_gqa", False):
        step.fix_all("attends with shared heads")
        return Value(step.result)
    axes = range(len(key.shape) - 2)
    order = [*axes, len(key.shape) - 1, len(key.shape) - 2]
    turned = rearranging.in_order(key, order)
    shape = (*step.result[:-1], key.shape[-2])
    scores = Value(shape, _inner(step, query, turned, len(shape)))
    if mask is not None:
        scores = Value(shape, met(step, [scores, mask], shape))
    shares = Value(shape, step.collapse(scores, [len(shape) - 1], "is shared out by attention"))
    return Value(step.result, _inner(step, shares, value, len(step.result)))


def convolution(step: Step) -> Value:
    """A convolution of images with their channels at axis 1."""
    x, weight, bias = (step.argument(i, name) for i, name in enumerate(("input", "weight", "bias")))
    groups, turned = groups_of(step)
    if len(x.shape) != len(weight.shape) or weight.source is None or (turned and groups > 1):
        step.fix_all("is a convolution of another kind")
        return Value(step.result)
    blocks = step.collapse(x, range(2, len(x.shape)), "is slid over")
    for block in weight.besides(weight.along(0), weight.along(1)):
        step.fix(block, "is a place of a kernel")
    channels = Value(x.shape, blocks).along(1)
    rest = tuple(b for b in blocks if b is not channels)
    begun = _convolved(step, channels, weight, groups=groups, turned=turned)
    if groups == 1 and channels is not None and weight.along(int(not turned)) is not None:
        axes = (0, 1) if turned else (1, 0)
        _note_exit(step, Source(weight.source.name, axes), bias)
    product = Value(step.result, (*rest, *([] if begun is None else [begun])))
    terms = [product] if bias is None else [product, per_channel(bias, len(step.result))]
    return Value(step.result, met(step, terms, step.result))


def groups_of(step: Step) -> tuple[int, bool]:
    """The number of groups, and whether the convolution is a transposed one."""
    if step.operator == "convolution":
        return step.argument(8, "groups", 1), bool(step.argument(6, "transposed", False))
    return step.argument(6, "groups", 1), "transpose" in step.operator


def _convolved(
    step: Step, channels: Block | None, weight: Value, *, groups: int, turned: bool
) -> Block | None:
    outputs, inputs = weight.along(int(turned)), weight.along(int(not turned))
    if groups == 1:
        _end(step, channels, inputs, separable=True)
        return None if outputs is None else Block((1,), outputs.atoms)
    step.fix(inputs, "is a place in every group")
    if channels is None or outputs is None or len(channels.axes) > 1:
        step.fix(channels, "meets groups of another kind")
        step.fix(outputs, "meets groups of another kind")
        return None if outputs is None else Block((1,), outputs.atoms)
    before, after = channels.atoms.reshape(groups, -1), outputs.atoms.reshape(groups, -1)
    for one, other in ((before[:, :1], before), (after[:, :1], after), (before[:, 0], after[:, 0])):
        step.couplings.join(one, other)
    return Block((1,), outputs.atoms)


def per_channel(value: Value, rank: int) -> Value:
    """A vector of numbers of channels, as it meets images with channels at axis 1."""
    shape = (1, *value.shape, *[1] * (rank - 2))
    return Value(shape, tuple(Block((1,), block.atoms) for block in value.blocks))


def batch_norm(step: Step) -> Any:
    """Statistics of every channel at axis 1."""
    x, *vectors = step.values()
    blocks = x.blocks
    if "no_stats" in step.node.operator or step.operator == "instance_norm":
        others = [axis for axis in range(2, len(x.shape))]
        blocks = step.collapse(x, others, "is normalized over")
    terms = [Value(x.shape, blocks), *(per_channel(v, len(x.shape)) for v in vectors)]
    return _first_of(step, met(step, terms, x.shape))


def moving_batch_norm(step: Step) -> Any:
    """A batch norm that answers the moved statistics too, as the fourth result and the fifth."""
    normalized, *rest = batch_norm(step)
    channels = normalized.along(1)
    moved = () if channels is None else (Block((0,), channels.atoms),)
    return [normalized, *rest[:2], *(Value(value.shape, moved) for value in rest[2:])]


def _first_of(step: Step, blocks: tuple[Block, ...]) -> Any:
    """A result that is an array, or the first of several."""
    if isinstance(step.result, list):
        first, *rest = step.result
        return [Value(first, blocks), *(Value(shape) for shape in rest)]
    return Value(step.result, blocks)


def group_norm(step: Step) -> Any:
    """Statistics of every group of channels: a group is removed as one."""
    x, *vectors = step.values()
    groups = step.argument(
        *((6, "group") if step.operator == "native_group_norm" else (1, "num_groups"))
    )
    blocks = step.collapse(x, range(2, len(x.shape)), "is normalized over")
    channels = Value(x.shape, blocks).along(1)
    if channels is not None and (groups == 1 or len(channels.axes) > 1):
        step.fix(channels, "is normalized together")
    elif channels is not None:
        parts = channels.atoms.reshape(groups, -1)
        step.couplings.join(parts[:, :1], parts)
    terms = [Value(x.shape, blocks), *(per_channel(v, len(x.shape)) for v in vectors)]
    return _first_of(step, met(step, terms, x.shape))


def layer_norm(step: Step) -> Any:
    """Statistics over the last axes: what they are taken over is not separable."""
    x, *vectors = step.values()
    rank = len(step.argument(1, "normalized_shape"))
    why = "is normalized together"
    last = range(len(x.shape) - rank, len(x.shape))
    blocks = step.collapse(x, last, why, stays=True)
    for vector in vectors:
        for block in vector.blocks:
            step.fix(block, why)
    return _first_of(step, met(step, [Value(x.shape, blocks), *vectors], x.shape))


def embedding(step: Step) -> Value:
    """Rows of a table by number."""
    table, places = step.argument(0), step.argument(1)
    for block in places.blocks:
        step.fix(block, "is a number of rows")
    step.fix(table.along(0), "is looked up by number")
    entry = table.along(1)
    last = len(step.result) - 1
    return Value(step.result, () if entry is None else (Block((last,), entry.atoms),))


def indexed(step: Step) -> Value:
    """Entries along one axis by number; more axes at once are not understood."""
    value, places = step.argument(0), step.argument(1)
    by = [axis for axis, one in enumerate(places) if one is not None]
    if len(by) != 1:
        step.fix_all("is looked up by several numbers")
        return Value(step.result)
    (axis,) = by
    for block in places[axis].blocks:
        step.fix(block, "is a number of rows")
    more = len(places[axis].shape) - 1
    blocks = step.collapse(value, [axis], "is looked up by number")
    shifted = (Block(tuple(a + more * (a > axis) for a in b.axes), b.atoms) for b in blocks)
    return Value(step.result, tuple(shifted))


def index_selected(step: Step) -> Value:
    """Entries along one axis by number."""
    value, axis = step.argument(0), step.argument(1, "dim")
    for block in step.argument(2, "index").blocks:
        step.fix(block, "is a number of rows")
    axis %= len(value.shape)
    return Value(step.result, step.collapse(value, [axis], "is looked up by number"))


def mixed_along(step: Step) -> Value:
    """A softmax or a running sum along an axis."""
    value = step.argument(0)
    axis = step.argument(1, "dim") % len(value.shape)
    return Value(step.result, step.collapse(value, [axis], "is mixed along", stays=True))


def reduced(step: Step) -> Value:
    """One number out of some axes."""
    value = step.argument(0)
    axes = step.argument(2 if step.operator == "linalg_vector_norm" else 1, "dim")
    axes = list(range(len(value.shape))) if axes in (None, []) else axes
    axes = [axis % max(len(value.shape), 1) for axis in ([axes] if isinstance(axes, int) else axes)]
    blocks = step.collapse(value, axes, "is summed up")
    if len(step.result) == len(value.shape):
        return Value(step.result, blocks)
    return rearranging.dropped(Value(value.shape, blocks), axes)


def resampled(step: Step) -> Any:
    """A pooling or another size of images: places are mixed, channels are not."""
    value = step.argument(0)
    rank = next(int(d) for d in "123" if f"{d}d" in step.operator)
    places = range(len(value.shape) - rank, len(value.shape))
    return _first_of(step, step.collapse(value, places, "is resampled"))


def gated(step: Step) -> Value:
    """One half of the channels times a gate from the other."""
    value = step.argument(0)
    axis = step.argument(1, "dim", -1) % len(value.shape)
    half = value.shape[axis] // 2
    halves = [rearranging.taken(step, value, axis, range(i, i + half)) for i in (0, half)]
    return Value(step.result, met(step, halves, step.result))


def channelwise(step: Step) -> Value:
    """A slope for every channel at axis 1, or one for all."""
    x, slopes = step.argument(0), step.argument(1)
    terms = [x, per_channel(slopes, len(x.shape)) if slopes.shape != (1,) else Value(())]
    return Value(step.result, met(step, terms, step.result))


def unrelated(step: Step) -> Any:
    """A result whose entries owe nothing to the arguments' entries."""
    return untracked(step.result)


def untracked(shape: Any) -> Any:
    """An array without channels, or several."""
    return [untracked(one) for one in shape] if isinstance(shape, list) else Value(shape)


def unknown(step: Step) -> Any:
    """An operator without a rule: nothing that it is given is ever removed."""
    step.fix_all("is not understood")
    return untracked(step.result)


#: Operators whose arguments meet entry by entry.
ENTRYWISE = (
    "add", "sub", "mul", "div", "rsub", "pow", "neg", "abs", "exp", "expm1", "log", "log1p", "sqrt",
    "rsqrt", "square", "reciprocal", "sign", "sin", "cos", "tan", "relu", "relu6", "hardtanh",
    "hardswish", "hardsigmoid", "sigmoid", "silu", "gelu", "tanh", "erf", "leaky_relu", "elu",
    "selu", "celu", "softplus", "softsign", "mish", "log_sigmoid", "hardshrink", "softshrink",
    "threshold", "clamp", "clamp_min", "clamp_max", "maximum", "minimum", "where", "masked_fill",
    "eq", "ne", "gt", "ge", "lt", "le", "logical_not", "logical_and", "logical_or", "logical_xor",
    "bitwise_not", "bitwise_and", "bitwise_or", "floor", "ceil", "round", "trunc", "isnan", "isinf",
    "nan_to_num", "zeros_like", "ones_like", "full_like", "empty_like", "fill", "addcmul",
    "addcdiv", "lerp", "atan2", "fmod", "remainder", "floor_divide", "scalar_tensor",
)  # fmt: skip
_RESAMPLED = (
    "max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "_adaptive_avg_pool2d",
    "adaptive_max_pool2d", "max_pool2d_with_indices", "upsample_nearest2d", "upsample_bilinear2d",
    "upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa", "upsample_nearest1d",
    "upsample_linear1d",
)  # fmt: skip
RULES: dict[str, Rule] = {
    **rearranging.RULES,
    **dict.fromkeys(ENTRYWISE, entrywise),
    **dict.fromkeys(_RESAMPLED, resampled),
    **dict.fromkeys(("mean", "sum", "amax", "amin", "prod", "var", "std", "any", "all",
                     "logsumexp", "linalg_vector_norm", "norm"), reduced),
    **dict.fromkeys(("softmax", "_softmax", "log_softmax", "_log_softmax", "cumsum"), mixed_along),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution", "conv_transpose1d",
                     "conv_transpose2d", "conv_transpose3d"), convolution),
    **dict.fromkeys(("batch_norm", "_native_batch_norm_legit_no_training", "native_batch_norm",
                     "_native_batch_norm_legit", "instance_norm"), batch_norm),
    "_native_batch_norm_legit_functional": moving_batch_norm,
    **dict.fromkeys(("new_zeros", "new_ones", "new_full", "new_empty"), unrelated),
    **dict.fromkeys(("layer_norm", "native_layer_norm", "rms_norm"), layer_norm),
    **dict.fromkeys(("group_norm", "native_group_norm"), group_norm),
    **dict.fromkeys(("matmul", "mm", "bmm"), matmul),
    **dict.fromkeys(("addmm", "baddbmm"), added_matmul),
    "linear": linear,
    "scaled_dot_product_attention": attention,
    "embedding": embedding,
    "index": indexed,
    "index_select": index_selected,
    "glu": gated,
    "prelu": channelwise,
}  # fmt: skip
