"""A convolution whose windows overlap, step by step of one, over large maps.

XLA computes the gradient of the kernel as a convolution whose window is the whole map, and turns
both arrays around in memory for it; where these do not fit into the caches, that takes two to four
times as long as one product of matrices:

    gradient[i, j] = Σ over places of  x moved by i rows  ×  gradient moved by j columns

Every column of a window is a copy of what comes from behind, every row one of the inputs.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from lab.runtime.lowerings.geometry import Geometry, padded
from lab.runtime.lowerings.stock import stock
from lab.runtime.sharding import shares

#: Inputs of so many elements are more than caches keep (2 MB in float32): measured on one core.
LARGE = 2**19
#: As much more where cores have shares of a batch: they keep each other from the last cache.
BESIDE_OTHERS = 1.5
#: Rows and columns of the largest window: each is a copy of an array.
MOST = 5


def gains(x: Float[Array, "batch *space inputs"], window: tuple[int, ...], of: Geometry) -> bool:
    """Whether the form is faster than XLA's."""
    if any(one != 1 for one in (*of.stride, *of.dilation)):
        return False
    large = LARGE * (BESIDE_OTHERS if shares() > 1 else 1)
    return len(window) == 2 and max(window) <= MOST and x.size / shares() >= large


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def overlapping(
    x: Float[Array, "batch rows columns inputs"],
    kernel: Float[Array, "height width inputs outputs"],
    geometry: Geometry,
) -> Float[Array, "batch new_rows new_columns outputs"]:
    """Channels last on both sides; strides and dilations are one."""
    return stock(x, kernel, geometry)


def _forward(x: Array, kernel: Array, geometry: Geometry) -> tuple[Array, tuple[Array, Array]]:
    return stock(x, kernel, geometry), (x, kernel)


def _backward(
    geometry: Geometry, kept: tuple[Array, Array], gradient: Array
) -> tuple[Array, Array]:
    x, kernel = kept
    (in_x,) = jax.vjp(lambda x: stock(x, kernel, geometry), x)[1](gradient)
    return in_x, _in_kernel(x, gradient, geometry, kernel.shape[:2])


def _in_kernel(
    x: Array, gradient: Array, geometry: Geometry, window: tuple[int, ...]
) -> Float[Array, "height width inputs outputs"]:
    height, width = window
    wide = padded(x, tuple((p, p) for p in geometry.padding))
    count, inputs, outputs = gradient.shape[1], x.shape[-1], gradient.shape[-1]
    rows = jnp.concatenate([wide[:, i : i + count] for i in range(height)], axis=-1)
    columns = jnp.concatenate(
        [padded(gradient, ((0, 0), (j, width - 1 - j))) for j in range(width)], axis=-1
    )
    rows = rows.reshape(-1, height * inputs)
    columns = columns.reshape(-1, width * outputs)
    # The columns first: one core takes a tenth less for it.
    made = lax.dot_general(columns, rows, (((0,), (0,)), ((), ())))
    return made.reshape(width, outputs, height, inputs).transpose(2, 0, 3, 1)


overlapping.defvjp(_forward, _backward)
