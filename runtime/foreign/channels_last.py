"""Feature maps with channels last, between operators that can have them so.

Torch's maps are (batch, channels, rows, columns); XLA's convolutions and products want channels
last on a processor, and each axis that is moved is a copy. A convolution answers a `ChannelsLast`;
operators of this file take it as it is and answer another; any other is given the array as torch
has it. Elsewhere than on a processor the compiler chooses how arrays lie, and nothing is moved.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lab.runtime.convolution import convolution_channels_last
from lab.runtime.foreign.operators.common import each, ranked
from lab.runtime.lowerings.geometry import Geometry
from lab.runtime.lowerings.maximum import largest

RANK = 4
#: Where torch's axes are, when channels are last.
_PLACE = (0, 3, 1, 2)


@dataclass(frozen=True)
class ChannelsLast:
    """A feature map, (batch, rows, columns, channels)."""

    array: Float[Array, "batch rows columns channels"]


def answered(operator: str, function: Callable[..., Any], args: list, kwargs: dict) -> Any:
    """What an operator answers, with channels last where it can; `function` is its plain form."""
    form = FORMS.get(operator) if jax.default_backend() == "cpu" else None
    if form is not None:
        found = form(function, args, kwargs)
        if found is not None:
            return found
    return function(*map(as_torch, args), **{k: as_torch(v) for k, v in kwargs.items()})


def as_torch(value: Any) -> Any:
    """A value, or those of a list, as torch has them."""
    if isinstance(value, ChannelsLast):
        return jnp.moveaxis(value.array, -1, 1)
    return [as_torch(one) for one in value] if isinstance(value, list) else value


def _last(value: Any) -> Any:
    """The array with channels last of a map, or of anything that is added to one."""
    if isinstance(value, ChannelsLast):
        return value.array
    if value is None or jnp.ndim(value) == 0:
        return value
    return jnp.moveaxis(ranked(value, RANK), 1, -1)


def _element_by_element(function: Callable[..., Any], args: list, kwargs: dict) -> Any:
    if not any(isinstance(one, ChannelsLast) for one in args) or not all(map(_fits, args)):
        return None
    if any(isinstance(one, ChannelsLast | jax.Array) for one in kwargs.values()):
        return None
    return ChannelsLast(function(*map(_last, args), **kwargs))


def _fits(one: Any) -> bool:
    """Whether it can stand beside a map: a number, or an array of no higher rank."""
    if one is None or isinstance(one, ChannelsLast | int | float):
        return True
    return isinstance(one, jax.Array) and one.ndim <= RANK


def _convolution(function: Callable[..., Any], args: list, kwargs: dict) -> Any:
    del function
    x, weight, bias = (*args, None)[:3]
    rest = {k: v for k, v in kwargs.items() if k not in ("transposed", "output_padding")}
    if kwargs.get("transposed") or isinstance(rest.get("padding"), str) or weight.ndim != RANK:
        return None
    y = convolution_channels_last(_last(x).astype(weight.dtype), weight, **rest)
    return ChannelsLast(y if bias is None else y + bias.astype(y.dtype))


def _batch_norm(function: Callable[..., Any], args: list, kwargs: dict) -> Any:
    """Over all pixels as if each were an example."""
    x, *given = args
    if not isinstance(x, ChannelsLast):
        return None
    pixels = x.array.reshape(-1, x.array.shape[-1])
    y, *others = function(pixels, *given, **kwargs)
    return (ChannelsLast(y.reshape(x.array.shape)), *others)


def _max_pool(function: Callable[..., Any], args: list, kwargs: dict) -> Any:
    (x,) = args
    if kwargs.get("ceil_mode") or not (isinstance(x, ChannelsLast) or x.ndim == RANK):
        return None
    del function
    window = each(kwargs["kernel_size"], 2)
    stride = each(kwargs["stride"], 2) if kwargs.get("stride") else window
    padding, dilation = each(kwargs.get("padding", 0), 2), each(kwargs.get("dilation", 1), 2)
    return ChannelsLast(largest(_last(x), window, Geometry(stride, padding, dilation), padding))


def _max_pool_with_places(function: Callable[..., Any], args: list, kwargs: dict) -> Any:
    found = _max_pool(function, args, kwargs)
    return None if found is None else (found, None)


def _mean(function: Callable[..., Any], args: list, kwargs: dict) -> Any:
    (x,) = args
    dims = kwargs.get("dim") or list(range(RANK))
    dims = [dims] if isinstance(dims, int) else dims
    if not isinstance(x, ChannelsLast):
        return None
    moved = function(x.array, **{**kwargs, "dim": [_PLACE[dim] for dim in dims]})
    return ChannelsLast(moved) if kwargs.get("keepdim") else _left(moved, dims)


def _left(array: Array, dims: list[int]) -> Array:
    """What is left when axes are gone, in torch's order."""
    if array.ndim > 1 and 1 not in [dim % RANK for dim in dims]:
        first = 0 if 0 in [dim % RANK for dim in dims] else 1
        return jnp.moveaxis(array, -1, first)
    return array


def _adaptive_average(function: Callable[..., Any], args: list, kwargs: dict) -> Any:
    (x,) = args
    if not isinstance(x, ChannelsLast) or set(each(kwargs["output_size"], 2)) != {1}:
        return None
    del function
    return ChannelsLast(jnp.mean(x.array, (1, 2), keepdims=True))


def _along_an_axis(function: Callable[..., Any], args: list, kwargs: dict) -> Any:
    """Operators with a `dim`: on maps, or on lists of them."""
    (x,) = args
    parts = x if isinstance(x, list) else [x]
    if not any(isinstance(one, ChannelsLast) for one in parts) or not all(map(_is_map, parts)):
        return None
    moved = [_last(one) for one in parts]
    given = {**kwargs, "dim": _PLACE[kwargs.get("dim", 0)]}
    found = function(moved if isinstance(x, list) else moved[0], **given)
    if isinstance(found, list | tuple):
        return tuple(map(ChannelsLast, found))
    return ChannelsLast(found)


def _is_map(one: Any) -> bool:
    return isinstance(one, ChannelsLast) or one.ndim == RANK


def _pad(function: Callable[..., Any], args: list, kwargs: dict) -> Any:
    (x,) = args
    if not isinstance(x, ChannelsLast) or kwargs.get("mode", "constant") != "constant":
        return None
    columns, rows, channels, batch, *_ = [
        *zip(kwargs["pad"][::2], kwargs["pad"][1::2], strict=True),
        (0, 0),
        (0, 0),
        (0, 0),
    ]
    pads = [number for pair in (channels, columns, rows, batch) for number in pair]
    return ChannelsLast(function(x.array, **{**kwargs, "pad": pads}))


def _permute(function: Callable[..., Any], args: list, kwargs: dict) -> Any:
    """To channels last and back: nothing is moved."""
    del function
    (x,) = args
    dims = [dim % RANK for dim in kwargs["dims"]]
    if isinstance(x, ChannelsLast) and dims == [0, 2, 3, 1]:
        return x.array
    if not isinstance(x, ChannelsLast) and dims == [0, 3, 1, 2]:
        return ChannelsLast(x)
    return None


def _part(function: Callable[..., Any], args: list, kwargs: dict) -> Any:
    """An operator that takes a list apart, whatever it holds."""
    return function(*args, **kwargs)


# fmt: off
#: Functions of each element by itself.
_ELEMENTS = (
    "_to_copy", "abs", "add.Scalar", "add.Tensor", "alias", "celu", "clamp", "clamp_max",
    "clamp_min", "clone", "contiguous", "detach", "div.Scalar", "div.Tensor", "elu", "erf",
    "exp", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log",
    "maximum", "minimum", "mish", "mul.Scalar", "mul.Tensor", "neg", "pow.Tensor_Scalar",
    "reciprocal", "relu", "relu6", "rsqrt", "rsub.Scalar", "selu", "sigmoid", "silu",
    "softplus", "softshrink", "sqrt", "square", "sub.Scalar", "sub.Tensor", "tanh",
    "threshold",
)
# fmt: on

Form = Callable[[Callable[..., Any], list, dict], Any]

FORMS: Mapping[str, Form] = {
    **dict.fromkeys(_ELEMENTS, _element_by_element),
    **dict.fromkeys(("conv2d", "convolution"), _convolution),
    "_native_batch_norm_legit": _batch_norm,
    "_native_batch_norm_legit.no_stats": _batch_norm,
    "_native_batch_norm_legit_functional": _batch_norm,
    "_native_batch_norm_legit_no_training": _batch_norm,
    "max_pool2d": _max_pool,
    "max_pool2d_with_indices": _max_pool_with_places,
    "adaptive_avg_pool2d": _adaptive_average,
    "_adaptive_avg_pool2d": _adaptive_average,
    "mean.dim": _mean,
    "cat": _along_an_axis,
    "chunk": _along_an_axis,
    "slice.Tensor": _along_an_axis,
    "split.Tensor": _along_an_axis,
    "split_with_sizes": _along_an_axis,
    "constant_pad_nd": _pad,
    "pad": _pad,
    "permute": _permute,
    "getitem": _part,
}
