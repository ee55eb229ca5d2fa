"""Random crops of padded images: translations by up to `pad` pixels, with black at the edges."""

import jax
from jaxtyping import Array, Int, PRNGKeyArray

from lab.runtime.augmentation import Windows
from lab.spec.declare import Pixels, component, parameter


@component("crop", kind="augmentation", streams=("augment",))
class Crop(Windows):
    """A random window of the image's own size out of the image padded with black.

    Example:
        >>> one = jax.numpy.ones((1, 8, 8, 3), jax.numpy.uint8)
        >>> Crop(pad=2).apply(one, jax.random.key(0)).shape
        (1, 8, 8, 3)
    """

    pad: Pixels = parameter(4, "black pixels added on every side", low=0, positional=True)

    @property
    def margin(self) -> int:
        """Black pixels on every side of an image."""
        return self.pad

    def corners(self, count: int, key: PRNGKeyArray) -> Int[Array, "n 2"]:
        """The upper left pixel of each window, every place being as likely."""
        return jax.random.randint(key, (count, 2), 0, 2 * self.pad + 1)
