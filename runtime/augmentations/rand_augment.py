"""Random operations, one after another, in the manner of RandAugment (Cubuk et al. 2020).

For each image `operations` draws from: nothing, brightness, contrast, posterize, solarize, invert,
translation in x and in y, shear in x and in y, all of one strength (arXiv 1909.13719, figure 2).
Color and geometry that need interpolation between pixels are left out: shears and translations move
whole rows and columns.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from lab.runtime.augmentation import Augmentation
from lab.spec.declare import component, parameter

#: The strongest translation and shear, as a share of the image.
FARTHEST = 1 / 3

Image = Float[Array, "h w c"]


@component("rand_augment", kind="augmentation", streams=("augment",))
class RandAugment(Augmentation):
    """So many random changes of brightness, contrast, levels, place and slant for every image.

    Example:
        >>> RandAugment().apply(jnp.ones((2, 8, 8, 3), jnp.uint8), jax.random.key(0)).shape
        (2, 8, 8, 3)
    """

    operations: int = parameter(2, "changes of an image", low=0)
    strength: float = parameter(0.3, "of every change, from none to all", low=0, high=1)

    def apply(
        self, images: Shaped[Array, "n h w c"], key: PRNGKeyArray
    ) -> Shaped[Array, "n h w c"]:
        """Every image changed in its own way; values stay in their range, dtypes too."""
        is_bytes = images.dtype == jnp.uint8
        top = 255.0 if is_bytes else jnp.maximum(jnp.max(images), 1e-6).astype(jnp.float32)
        levels = images.astype(jnp.float32) / top
        for turn in range(self.operations):
            keys = jax.random.split(jax.random.fold_in(key, turn), len(images))
            levels = jax.vmap(self._changed)(levels, keys)
        made = levels * top
        return (jnp.round(made) if is_bytes else made).astype(images.dtype)

    def _changed(self, image: Image, key: PRNGKeyArray) -> Image:
        choice, sign = jax.random.split(key)
        amount = self.strength * jax.random.choice(sign, jnp.array([-1.0, 1.0]))
        which = jax.random.randint(choice, (), 0, len(_OPERATIONS))
        # A switch under a map runs every branch: they are few and cheap beside a step.
        return jax.lax.switch(which, _OPERATIONS, image, amount)


def _brighter(image: Image, amount: Array) -> Image:
    return jnp.clip(image * (1 + amount), 0, 1)


def _contrasted(image: Image, amount: Array) -> Image:
    mean = jnp.mean(image)
    return jnp.clip(mean + (image - mean) * (1 + amount), 0, 1)


def _posterized(image: Image, amount: Array) -> Image:
    levels = 2.0 ** jnp.round(8 - 4 * jnp.abs(amount)) - 1
    return jnp.round(image * levels) / levels


def _solarized(image: Image, amount: Array) -> Image:
    return jnp.where(image > 1 - jnp.abs(amount), 1 - image, image)


def _moved(image: Image, rows: Array, columns: Array) -> Image:
    """The image moved by whole pixels, black where it came from nowhere."""
    height, width, _ = image.shape
    y = jnp.arange(height)[:, None] - jnp.round(rows).astype(jnp.int32)
    x = jnp.arange(width)[None, :] - jnp.round(columns).astype(jnp.int32)
    y, x = jnp.broadcast_arrays(y, x)
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    found = image[jnp.clip(y, 0, height - 1), jnp.clip(x, 0, width - 1)]
    return jnp.where(inside[..., None], found, 0.0)


def _translated_x(image: Image, amount: Array) -> Image:
    return _moved(image, jnp.zeros((1, 1)), amount * FARTHEST * image.shape[1] * jnp.ones((1, 1)))


def _translated_y(image: Image, amount: Array) -> Image:
    return _moved(image, amount * FARTHEST * image.shape[0] * jnp.ones((1, 1)), jnp.zeros((1, 1)))


def _sheared_x(image: Image, amount: Array) -> Image:
    from_middle = jnp.arange(image.shape[0])[:, None] - (image.shape[0] - 1) / 2
    return _moved(image, jnp.zeros((1, 1)), amount * FARTHEST * 2 * from_middle)


def _sheared_y(image: Image, amount: Array) -> Image:
    from_middle = jnp.arange(image.shape[1])[None, :] - (image.shape[1] - 1) / 2
    return _moved(image, amount * FARTHEST * 2 * from_middle, jnp.zeros((1, 1)))


_OPERATIONS = (
    lambda image, amount: image + 0 * amount,
    _brighter,
    _contrasted,
    _posterized,
    _solarized,
    lambda image, amount: jnp.where(jnp.abs(amount) > 0, 1 - image, image),
    _translated_x,
    _translated_y,
    _sheared_x,
    _sheared_y,
)
