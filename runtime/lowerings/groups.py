"""Grouped convolutions as a few without groups.

Groups of a few channels are joined until they are `WIDTH` channels wide, with zeros in the kernel
between one group and another: more multiplications, and several times as fast on a processor, since
products of narrow matrices are slow. Every joined one is a convolution of its own, because the
gradient of a grouped one in its kernel is computed element by element by XLA, hundreds of times as
slowly.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from lab.runtime.lowerings.geometry import Geometry

#: Channels that come in, of the groups that are joined. Measured: 16, 64 and 128 are slower.
WIDTH = 32

Ungrouped = Callable[[Array, Array, Geometry], Array]


def joined(
    x: Float[Array, "batch *space inputs"],
    kernel: Float[Array, "*window group_inputs outputs"],
    geometry: Geometry,
    *,
    groups: int,
    each: Ungrouped,
) -> Float[Array, "batch *places outputs"]:
    """A convolution in groups by some without."""
    together = _how_many(groups, kernel.shape[-2])
    parts = groups // together
    kernel = _without_groups(kernel, parts, together)
    pairs = zip(jnp.split(x, parts, axis=-1), jnp.split(kernel, parts, axis=-1), strict=True)
    return jnp.concatenate([each(*pair, geometry) for pair in pairs], axis=-1)


def _how_many(groups: int, inputs: int) -> int:
    """The most groups that are joined: a divisor of their number."""
    most = max(WIDTH // inputs, 1)
    return max(n for n in range(1, min(most, groups) + 1) if groups % n == 0)


def _without_groups(kernel: Array, parts: int, together: int) -> Array:
    *window, inputs, outputs = kernel.shape
    each = outputs // (parts * together)
    split = kernel.reshape(*window, 1, inputs, parts, together, each)
    own = jnp.eye(together, dtype=bool)[:, None, None, :, None]
    return jnp.where(own, split, 0).reshape(*window, together * inputs, outputs)
