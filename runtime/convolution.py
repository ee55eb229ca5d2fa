"""The one place where convolutions are lowered.

A stock convolution is the fastest form on every device measured, with one exception on a CPU: a
kernel larger than the map it slides over (3 × 3 on 2 × 2) falls off a cliff of XLA's, and is
written as patches times a matrix there.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


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
