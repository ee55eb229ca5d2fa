"""The product of features with a matrix of weights, whose outputs come first.

The gradient of the weights is a product of two plain matrices: of more axes, XLA turns what comes
from behind around in memory first.
"""

import jax
from jax import lax
from jaxtyping import Array, Float


@jax.custom_vjp
def product(
    x: Float[Array, "*batch inputs"], weight: Float[Array, "outputs inputs"]
) -> Float[Array, "*batch outputs"]:
    """`x Wᵀ`."""
    return lax.dot_general(x, weight, (((x.ndim - 1,), (1,)), ((), ())))


def _forward(x: Array, weight: Array) -> tuple[Array, tuple[Array, Array]]:
    return product(x, weight), (x, weight)


def _backward(kept: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    x, weight = kept
    behind = gradient.reshape(-1, gradient.shape[-1])
    in_weight = lax.dot_general(x.reshape(-1, x.shape[-1]), behind, (((0,), (0,)), ((), ()))).T
    return lax.dot_general(gradient, weight, (((x.ndim - 1,), (0,)), ((), ()))), in_weight


product.defvjp(_forward, _backward)
