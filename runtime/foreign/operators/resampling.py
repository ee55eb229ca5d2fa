"""Images at other sizes, and channels against space."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

#: The cubic's parameter in torch (Keys 1981, equation 4, has -0.5).
_CUBIC = -0.75


def _new_sizes(x: Array, given: Any, factors: Any, axes: int) -> tuple[int, ...]:
    if given is not None:
        return tuple(given)
    return tuple(int(size * f) for size, f in zip(x.shape[-axes:], factors, strict=True))


def _ratio(size: int, new: int, *, align_corners: bool, factor: float | None) -> float:
    if align_corners:
        return (size - 1) / (new - 1) if new > 1 else 0.0
    return 1 / factor if factor else size / new


def _sources(size: int, new: int, *, align_corners: bool, factor: float | None) -> np.ndarray:
    """Where each new pixel stands among the old ones."""
    ratio = _ratio(size, new, align_corners=align_corners, factor=factor)
    places = np.arange(new)
    return places * ratio if align_corners else (places + 0.5) * ratio - 0.5


def _linear(size: int, places: np.ndarray) -> np.ndarray:
    """A matrix (new, old) of shares between the two neighbors."""
    places = np.clip(places, 0, None)
    below = np.minimum(places.astype(int), size - 1)
    share = places - below
    return _matrix(size, [(below, 1 - share), (np.minimum(below + 1, size - 1), share)])


def _cubic(size: int, places: np.ndarray) -> np.ndarray:
    """A matrix (new, old) of weights of the four neighbors; those outside are the border's."""
    below = np.floor(places).astype(int)
    share = places - below
    parts = [
        (np.clip(below + step, 0, size - 1), _cubic_weight(np.abs(share - step)))
        for step in (-1, 0, 1, 2)
    ]
    return _matrix(size, parts)


def _cubic_weight(distance: np.ndarray) -> np.ndarray:
    a, d = _CUBIC, distance
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, far)


def _matrix(size: int, parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    matrix = np.zeros((len(parts[0][0]), size))
    for places, weights in parts:
        np.add.at(matrix, (np.arange(len(places)), places), weights)
    return matrix


def _resample(x: Array, matrices: Sequence[np.ndarray]) -> Array:
    for step, matrix in enumerate(reversed(matrices)):
        axis = x.ndim - 1 - step
        weights = jnp.asarray(matrix, x.dtype)
        x = jnp.moveaxis(jnp.matmul(jnp.moveaxis(x, axis, -1), weights.T), -1, axis)
    return x


def upsample_linear(
    x: Float[Array, "batch channels *space"],
    output_size: Any = None,
    align_corners: bool = False,
    scale_factors: Any = None,
) -> Float[Array, "batch channels *new_space"]:
    """Linear interpolation along every axis of space."""
    return _resample(x, _matrices(x, output_size, scale_factors, (_linear, align_corners)))


def upsample_cubic(
    x: Float[Array, "batch channels *space"],
    output_size: Any = None,
    align_corners: bool = False,
    scale_factors: Any = None,
) -> Float[Array, "batch channels *new_space"]:
    """Cubic convolution along every axis of space (Keys 1981)."""
    return _resample(x, _matrices(x, output_size, scale_factors, (_cubic, align_corners)))


def _matrices(x: Array, output_size: Any, factors: Any, how: tuple[Any, bool]) -> list[np.ndarray]:
    kernel, align_corners = how
    axes = x.ndim - 2
    factors = factors or [None] * axes
    matrices = []
    for size, new, factor in zip(
        x.shape[2:], _new_sizes(x, output_size, factors, axes), factors, strict=True
    ):
        places = _sources(size, new, align_corners=align_corners, factor=factor)
        matrices.append(kernel(size, places))
    return matrices


def upsample_nearest(
    x: Float[Array, "batch channels *space"], output_size: Any = None, scale_factors: Any = None
) -> Float[Array, "batch channels *new_space"]:
    """Each new pixel is the old one at or before its corner."""
    axes = x.ndim - 2
    factors = scale_factors or [None] * axes
    sizes = _new_sizes(x, output_size, factors, axes)
    for axis, (new, factor) in enumerate(zip(sizes, factors, strict=True), 2):
        size = x.shape[axis]
        ratio = 1 / factor if factor else size / new
        places = np.minimum(
            np.floor(np.arange(new, dtype=np.float32) * np.float32(ratio)), size - 1
        )
        x = jnp.take(x, places.astype(np.int32), axis=axis)
    return x


def pixel_shuffle(x: Array, upscale_factor: int) -> Array:
    """Channels become blocks of pixels (Shi et al. 2016, arXiv 1609.05158)."""
    r = upscale_factor
    *batch, channels, height, width = x.shape
    blocks = jnp.reshape(x, (*batch, channels // (r * r), r, r, height, width))
    rank = len(batch)
    order = (*range(rank + 1), rank + 3, rank + 1, rank + 4, rank + 2)
    return jnp.reshape(
        jnp.transpose(blocks, order), (*batch, channels // (r * r), height * r, width * r)
    )


def pixel_unshuffle(x: Array, downscale_factor: int) -> Array:
    """Blocks of pixels become channels."""
    r = downscale_factor
    *batch, channels, height, width = x.shape
    blocks = jnp.reshape(x, (*batch, channels, height // r, r, width // r, r))
    rank = len(batch)
    order = (*range(rank + 1), rank + 2, rank + 4, rank + 1, rank + 3)
    return jnp.reshape(
        jnp.transpose(blocks, order), (*batch, channels * r * r, height // r, width // r)
    )


def channel_shuffle(x: Array, groups: int) -> Array:
    """Channels of groups in turn (Zhang et al. 2018, arXiv 1707.01083)."""
    split = jnp.reshape(x, (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]))
    return jnp.reshape(jnp.swapaxes(split, 1, 2), x.shape)


TABLE = {
    "channel_shuffle": channel_shuffle,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "upsample_bicubic2d.vec": upsample_cubic,
    "upsample_bilinear2d.vec": upsample_linear,
    "upsample_linear1d.vec": upsample_linear,
    "upsample_nearest1d.vec": upsample_nearest,
    "upsample_nearest2d.vec": upsample_nearest,
}
