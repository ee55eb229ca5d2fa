"""Raw images as a network takes them: of its size and channels, normalized.

    x = (intensity - mean) / deviation,   intensity in 0 … 1

Bytes are intensities times 255. Images of another size are resized (`lab.runtime.resizing`), a gray
image stands for three equal channels, and a color image for its mean where one channel is wanted.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from lab.runtime.errors import UnsuitableSetting
from lab.runtime.resizing import resized


class Images(NamedTuple):
    """What a network takes: square images of `size` pixels, and constants for each channel."""

    size: int
    channels: int
    mean: Sequence[float]
    deviation: Sequence[float]


def prepared(images: Shaped[Array, "n h w c"], wanted: Images) -> Float[Array, "n size size k"]:
    """Images as a network takes them. Raises `UnsuitableSetting` for what is no image."""
    if images.ndim != 4:
        raise UnsuitableSetting(
            f"the network takes images, and an example of the data has the shape "
            f"{tuple(images.shape[1:])}"
        )
    scale = 1 / 255 if images.dtype == jnp.uint8 else 1.0
    x = images.astype(jnp.float32)
    if x.shape[1:3] != (wanted.size, wanted.size):
        x = resized(x, wanted.size)
    x = _of_channels(x, wanted.channels) * scale
    mean, deviation = (jnp.asarray(each, jnp.float32) for each in (wanted.mean, wanted.deviation))
    return (x - mean) / deviation


def _of_channels(images: Float[Array, "n h w c"], channels: int) -> Float[Array, "n h w k"]:
    found = images.shape[-1]
    if found == channels:
        return images
    if found == 1:
        return jnp.repeat(images, channels, axis=-1)
    if channels == 1:
        return jnp.mean(images, axis=-1, keepdims=True)
    raise UnsuitableSetting(
        f"the network takes images of {channels} channels, and the data's have {found}"
    )
