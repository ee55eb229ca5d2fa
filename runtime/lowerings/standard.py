"""What has mean zero and deviation one along axes, with a gradient of what came out of it.

    y = (x - mean) s,  s = (variance + eps)^-½
    in x:  s (g - mean g - y mean(g ∘ y))

The gradient needs `y` and `s`, not `x`: a sum that is used again at each layer of a network is not
computed anew for it.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


@partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def standardized(
    x: Float[Array, "*shape"], axes: tuple[int, ...], eps: float
) -> Float[Array, "*shape"]:
    """`x` with the mean taken away along axes, over the root of the biased variance and `eps`."""
    return _forward(x, axes, eps)[0]


def statistics(x: Array, axes: tuple[int, ...], eps: float) -> tuple[Array, Array]:
    """The mean, and one over the deviation, with axes of one in place of those that are gone."""
    mean = jnp.mean(x, axes, keepdims=True)
    variance = jnp.mean(jnp.square(x - mean), axes, keepdims=True)
    return mean, lax.rsqrt(variance + eps)


def _forward(x: Array, axes: tuple[int, ...], eps: float) -> tuple[Array, tuple[Array, Array]]:
    mean, inverse = statistics(x, axes, eps)
    y = (x - mean) * inverse
    return y, (y, inverse)


def _backward(
    axes: tuple[int, ...], eps: float, kept: tuple[Array, Array], gradient: Array
) -> tuple[Array]:
    del eps
    y, inverse = kept
    mean = jnp.mean(gradient, axes, keepdims=True)
    along = jnp.mean(gradient * y, axes, keepdims=True)
    return (inverse * (gradient - mean - y * along),)


standardized.defvjp(_forward, _backward)
