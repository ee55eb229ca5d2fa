"""The one place where convolutions are lowered.

A stock convolution is the fastest form on every device measured, with one exception on a CPU: a
kernel larger than the map it slides over (3 × 3 on 2 × 2) falls off a cliff of XLA's, and is
written as patches times a matrix there.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

#: Letters of up to three axes of space.
_SPACE = "DHW"


def convolution(
    inputs: Float[Array, "batch inputs *space"],
    kernel: Float[Array, "outputs group_inputs *window"],
    *,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> Float[Array, "batch outputs *new_space"]:
    """Cross-correlation over one to three axes, as torch's `conv1d`, `conv2d`, `conv3d` have it.

    Numbers are one for each axis of space, or a single one for all.
    """
    axes = inputs.ndim - 2
    stride, padding, dilation = (_each(given, axes) for given in (stride, padding, dilation))
    letters = _SPACE[-axes:]
    return lax.conv_general_dilated(
        inputs,
        kernel,
        window_strides=stride,
        padding=[(both, both) for both in padding],
        rhs_dilation=dilation,
        dimension_numbers=(f"NC{letters}", f"OI{letters}", f"NC{letters}"),
        feature_group_count=groups,
    )


def transposed_convolution(
    inputs: Float[Array, "batch inputs *space"],
    kernel: Float[Array, "inputs group_outputs *window"],
    *,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] = (0,),
    output_padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> Float[Array, "batch outputs *new_space"]:
    """The gradient of a convolution in its inputs, as torch's `conv_transpose2d` has it."""
    axes = inputs.ndim - 2
    stride, padding, dilation = (_each(given, axes) for given in (stride, padding, dilation))
    extra = _each(output_padding, axes)
    reach = [d * (size - 1) for d, size in zip(dilation, kernel.shape[2:], strict=True)]
    letters = _SPACE[-axes:]
    return lax.conv_general_dilated(
        inputs,
        _turned(kernel, groups),
        window_strides=(1,) * axes,
        padding=[(r - p, r - p + more) for r, p, more in zip(reach, padding, extra, strict=True)],
        lhs_dilation=stride,
        rhs_dilation=dilation,
        dimension_numbers=(f"NC{letters}", f"OI{letters}", f"NC{letters}"),
        feature_group_count=groups,
    )


def _turned(kernel: Array, groups: int) -> Array:
    """The kernel of the convolution that a transposed one is: turned around, outputs first."""
    inputs, outputs, *window = kernel.shape
    parts = jnp.reshape(kernel, (groups, inputs // groups, outputs, *window))
    parts = jnp.swapaxes(parts, 1, 2).reshape(groups * outputs, inputs // groups, *window)
    return jnp.flip(parts, tuple(range(2, parts.ndim)))


def _each(given: Sequence[int], axes: int) -> tuple[int, ...]:
    return tuple(given) * axes if len(given) == 1 else tuple(given)


def convolve(
    images: Float[Array, "batch height width inputs"],
    kernel: Float[Array, "outputs inputs rows columns"],
    *,
    stride: int = 1,
    padding: int = 0,
) -> Float[Array, "batch new_height new_width outputs"]:
    """Two-dimensional cross-correlation, as torch's `conv2d` has it."""
    kernel = jnp.transpose(kernel, (2, 3, 1, 0))
    if _slides_over_less_than_itself(images, kernel) and jax.default_backend() == "cpu":
        return _patches_times_matrix(images, kernel, stride=stride, padding=padding)
    return lax.conv_general_dilated(
        images,
        kernel,
        window_strides=(stride, stride),
        padding=((padding, padding), (padding, padding)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _slides_over_less_than_itself(images: Array, kernel: Array) -> bool:
    return images.shape[1] < kernel.shape[0] or images.shape[2] < kernel.shape[1]


def _patches_times_matrix(images: Array, kernel: Array, *, stride: int, padding: int) -> Array:
    rows, columns, inputs, outputs = kernel.shape
    padded = jnp.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    height = (padded.shape[1] - rows) // stride + 1
    width = (padded.shape[2] - columns) // stride + 1
    patches = jnp.concatenate(
        [
            padded[:, i : i + stride * height : stride, j : j + stride * width : stride]
            for i in range(rows)
            for j in range(columns)
        ],
        axis=-1,
    )
    return patches @ kernel.reshape(rows * columns * inputs, outputs)
