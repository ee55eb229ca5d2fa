"""Random mirror images, left for right."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray, Shaped

from lab.runtime.augmentation import Augmentation
from lab.spec.declare import component


@component("flip", kind="augmentation", streams=("augment",))
class Flip(Augmentation):
    """Every image, or its mirror image, with equal chance.

    Example:
        >>> two = jnp.arange(2, dtype=jnp.uint8).reshape(1, 1, 2, 1)
        >>> sorted(Flip().apply(two, jax.random.key(0)).ravel().tolist())
        [0, 1]
    """

    def apply(
        self, images: Shaped[Array, "n h w c"], key: PRNGKeyArray
    ) -> Shaped[Array, "n h w c"]:
        """The images, about half of them mirrored."""
        mirrored = jax.random.bernoulli(key, shape=(images.shape[0], 1, 1, 1))
        return jnp.where(mirrored, images[:, :, ::-1], images)
