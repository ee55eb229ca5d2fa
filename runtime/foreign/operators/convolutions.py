"""Convolutions, handed to the one place where they are lowered."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from lab.runtime.convolution import convolution, transposed_convolution
from lab.runtime.foreign.operators.common import each


def convolve(
    x: Float[Array, "batch inputs *space"],
    weight: Float[Array, "outputs group_inputs *window"],
    bias: Any = None,
    *,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] | str = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> Float[Array, "batch outputs *new_space"]:
    """Cross-correlation; `padding` may be `same` or `valid`."""
    dilation = each(dilation, weight.ndim - 2)
    if isinstance(padding, str):
        x, padding = _padded(x, weight, dilation, padding)
    y = convolution(
        x.astype(weight.dtype),
        weight,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )
    return _with_bias(y, bias)


def _padded(
    x: Array, weight: Array, dilation: Sequence[int], kind: str
) -> tuple[Array, tuple[int]]:
    """What torch pads for `same`: the odd one goes behind."""
    if kind == "same":
        reach = [d * (size - 1) for d, size in zip(dilation, weight.shape[2:], strict=True)]
        x = jnp.pad(x, [(0, 0), (0, 0), *((r // 2, r - r // 2) for r in reach)])
    return x, (0,)


def convolve_transposed(
    x: Float[Array, "batch inputs *space"],
    weight: Float[Array, "inputs group_outputs *window"],
    bias: Any = None,
    *,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] = (0,),
    output_padding: Sequence[int] = (0,),
    groups: int = 1,
    dilation: Sequence[int] = (1,),
) -> Float[Array, "batch outputs *new_space"]:
    """The gradient of a convolution in its inputs."""
    y = transposed_convolution(
        x.astype(weight.dtype),
        weight,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
    )
    return _with_bias(y, bias)


def convolve_either(
    x: Array, weight: Array, bias: Any = None, *, transposed: bool, **rest: Any
) -> Array:
    """The one operator that both are inside torch."""
    if transposed:
        return convolve_transposed(x, weight, bias, **rest)
    rest.pop("output_padding", None)
    return convolve(x, weight, bias, **rest)


def _with_bias(y: Array, bias: Array | None) -> Array:
    if bias is None:
        return y
    return y + jnp.reshape(bias.astype(y.dtype), (1, -1) + (1,) * (y.ndim - 2))


TABLE = {
    "conv1d": convolve,
    "conv1d.padding": convolve,
    "conv2d": convolve,
    "conv2d.padding": convolve,
    "conv3d": convolve,
    "conv3d.padding": convolve,
    "conv_transpose1d": convolve_transposed,
    "conv_transpose2d.input": convolve_transposed,
    "convolution": convolve_either,
}
