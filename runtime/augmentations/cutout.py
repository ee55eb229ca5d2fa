"""Cutout: a square of every image is made black (DeVries and Taylor 2017, arXiv 1708.04552)."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray, Shaped

from lab.runtime.augmentation import Augmentation
from lab.spec.declare import Pixels, component, parameter


@component("cutout", kind="augmentation", streams=("augment",))
class Cutout(Augmentation):
    """A black square around a random pixel, cut off where it leaves the image.

    Example:
        >>> int(Cutout(size=2).apply(jnp.ones((1, 8, 8, 1)), jax.random.key(0)).sum()) >= 60
        True
    """

    size: Pixels = parameter(8, "side of the square", low=0, positional=True)

    def apply(
        self, images: Shaped[Array, "n h w c"], key: PRNGKeyArray
    ) -> Shaped[Array, "n h w c"]:
        """Every image with a square of its own."""
        count, height, width, _ = images.shape
        rows, columns = (
            _covered(k, count, length, self.size)
            for k, length in zip(jax.random.split(key), (height, width), strict=True)
        )
        black = rows[:, :, None, None] & columns[:, None, :, None]
        return jnp.where(black, jnp.zeros((), images.dtype), images)


def _covered(key: PRNGKeyArray, count: int, length: int, size: int) -> Array:
    """Which rows, or columns, of each image the square covers."""
    first = jax.random.randint(key, (count, 1), 0, length) - size // 2
    places = jnp.arange(length)
    return (places >= first) & (places < first + size)
