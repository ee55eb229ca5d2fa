"""Mixup: examples and labels are blended in pairs (Zhang et al. 2018, arXiv 1710.09412, eq. 1).

    x = l x_i + (1 - l) x_j,   y = l y_i + (1 - l) y_j,   l ~ Beta(alpha, alpha)

Partners are the batch in another order; every pair has a share of its own.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from lab.runtime.augmentation import Augmentation
from lab.runtime.loss import Targets
from lab.spec.declare import component, parameter


@component("mixup", kind="augmentation", streams=("augment",))
class Mixup(Augmentation):
    """Blends of two images and of their labels; bytes are rounded.

    Example:
        >>> images, targets = jnp.eye(2).reshape(2, 1, 2, 1), jnp.eye(2)
        >>> blended, shares = Mixup().mixed(images, targets, jax.random.key(0))
        >>> bool((blended.reshape(2, 2) == shares).all())
        True
    """

    alpha: float = parameter(0.2, "of the beta distribution that shares are drawn from", above=0)

    mixes: ClassVar[bool] = True

    def apply(
        self, images: Shaped[Array, "n h w c"], key: PRNGKeyArray
    ) -> Shaped[Array, "n h w c"]:
        """The blended images."""
        return _blended(images, *self._drawn(len(images), key))

    def mixed(
        self, images: Shaped[Array, "n h w c"], targets: Targets, key: PRNGKeyArray
    ) -> tuple[Shaped[Array, "n h w c"], Targets]:
        """The blended images, and the shares of the classes in them."""
        partners, shares = self._drawn(len(images), key)
        return _blended(images, partners, shares), _blended(targets, partners, shares)

    def _drawn(self, count: int, key: PRNGKeyArray) -> tuple[Int[Array, " n"], Float[Array, " n"]]:
        order, share = jax.random.split(key)
        return (
            jax.random.permutation(order, count),
            jax.random.beta(share, self.alpha, self.alpha, (count,)),
        )


def _blended(values: Array, partners: Array, shares: Array) -> Array:
    share = shares.reshape(-1, *[1] * (values.ndim - 1))
    made = share * values + (1 - share) * values[partners]
    if jnp.issubdtype(values.dtype, jnp.integer):
        return jnp.round(made).astype(values.dtype)
    return made.astype(values.dtype)
