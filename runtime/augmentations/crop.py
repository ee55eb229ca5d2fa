"""Random crops of padded images: translations by up to `pad` pixels, with black at the edges."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray, Shaped

from lab.runtime.augmentation import Augmentation
from lab.spec.declare import Pixels, component, parameter


@component("crop", kind="augmentation", streams=("augment",))
class Crop(Augmentation):
    """A random window of the image's own size out of the image padded with black.

    Example:
        >>> one = jnp.ones((1, 8, 8, 3), jnp.uint8)
        >>> Crop(pad=2).apply(one, jax.random.key(0)).shape
        (1, 8, 8, 3)
    """

    pad: Pixels = parameter(4, "black pixels added on every side", low=0, positional=True)

    def apply(
        self, images: Shaped[Array, "n h w c"], key: PRNGKeyArray
    ) -> Shaped[Array, "n h w c"]:
        """A window of every image, each at its own place."""
        count, *size = images.shape
        pad = ((0, 0), (self.pad, self.pad), (self.pad, self.pad), (0, 0))
        corners = jax.random.randint(key, (count, 2), 0, 2 * self.pad + 1)

        def window(image: Array, corner: Array) -> Array:
            return jax.lax.dynamic_slice(image, (corner[0], corner[1], 0), size)

        return jax.vmap(window)(jnp.pad(images, pad), corners)
