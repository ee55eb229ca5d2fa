"""Convolutions that are products of matrices: of single elements, of tiles, of patches."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from lab.runtime.lowerings.geometry import Geometry, padded, seen, strided
from lab.runtime.lowerings.products import product


def of_elements(
    x: Float[Array, "batch *space inputs"],
    kernel: Float[Array, "*window inputs outputs"],
    geometry: Geometry,
) -> Float[Array, "batch *places outputs"]:
    """A window of one element: what is stepped over is left out before the product."""
    wide = padded(x, tuple((p, p) for p in geometry.padding))
    places = geometry.places(x.shape[1:-1], kernel.shape[:-2])
    kept = strided(wide, [0] * len(places), places, geometry.stride)
    # Kernels come with outputs first, so that turning this one back is no copy.
    return product(kept, kernel.reshape(kernel.shape[-2:]).T)


def of_tiles(
    x: Float[Array, "batch *space inputs"],
    kernel: Float[Array, "*window inputs outputs"],
    geometry: Geometry,
) -> Float[Array, "batch *places outputs"]:
    """Windows side by side, without padding: each element is in one of them at most."""
    window = kernel.shape[:-2]
    axes = len(window)
    places = geometry.places(x.shape[1:-1], window)
    covered = tuple(n * size for n, size in zip(places, window, strict=True))
    x = strided(x, [0] * axes, covered, (1,) * axes)
    split = [part for pair in zip(places, window, strict=True) for part in pair]
    tiles = x.reshape(x.shape[0], *split, x.shape[-1])
    order = (0, *range(1, 2 * axes + 1, 2), *range(2, 2 * axes + 1, 2), 2 * axes + 1)
    tiles = tiles.transpose(order).reshape(x.shape[0], *places, -1)
    return product(tiles, _flat(kernel).T)


def of_patches(
    x: Float[Array, "batch *space inputs"],
    kernel: Float[Array, "*window inputs outputs"],
    geometry: Geometry,
) -> Float[Array, "batch *places outputs"]:
    """All that a window sees beside each other: as many copies of a map as it has elements."""
    patches = jnp.concatenate(list(seen(x, kernel.shape[:-2], geometry)), axis=-1)
    return product(patches, _flat(kernel).T)


def _flat(kernel: Array) -> Array:
    return kernel.reshape(-1, kernel.shape[-1])
