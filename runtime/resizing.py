"""Images in another size, made where they are used: in a program, or a slice at a time.

A set of 50,000 images of 32 × 32 pixels is 150 MB; the same at 224 × 224 would be 7.5 GB. So a set
keeps its images as they are and names the side that a model wants; a step resizes its batch.
Interpolation is linear with a filter as wide as the reduction (`jax.image.resize`), edges repeat.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped

from lab.runtime.executables import Kept


def resized(images: Shaped[Array, "n h w c"], side: int) -> Shaped[Array, "n side side c"]:
    """The images with sides of so many pixels, of the same dtype; bytes are rounded. Traceable.

    Example:
        >>> resized(jnp.ones((2, 4, 4, 3), jnp.uint8), 6).shape
        (2, 6, 6, 3)
    """
    count, height, width, channels = images.shape
    if height == width == side:
        return images
    shape = (count, side, side, channels)
    made = jax.image.resize(images.astype(jnp.float32), shape, "linear")
    if jnp.issubdtype(images.dtype, jnp.integer):
        made = jnp.clip(jnp.round(made), 0, jnp.iinfo(images.dtype).max)
    return made.astype(images.dtype)


_resized = Kept(resized, static=("side",))


class Resized:
    """Images that are resized as they are read: an array as far as scoring needs one.

    Always holds: a slice of it is an array of the slice's images, and nothing larger is made.
    """

    def __init__(self, images: np.ndarray, side: int) -> None:
        self._images, self._side = images, side

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what is read."""
        count, *_, channels = self._images.shape
        return (count, self._side, self._side, channels)

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the images."""
        return self._images.dtype

    @property
    def ndim(self) -> int:
        """Axes of what is read."""
        return self._images.ndim

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        part = self._images[rows]
        return np.asarray(_resized(jnp.asarray(part), side=self._side))
