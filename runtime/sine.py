"""Sine and cosine that a CPU computes at the speed of a polynomial.

XLA's own sine takes a slow, scalar path on CPU. Here an argument is reduced to the half turn around
zero, pi taken in three parts so that nothing cancels (Cody and Waite 1980, chapter 8), and a
minimax polynomial is evaluated:

    n = round(x / pi),   r = x - n p1 - n p2 - n p3,   sin x = (-1)^n sin r

The error is at most 2e-7 for |x| <= 2e4. On other devices the stock functions are used.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

#: pi in parts: `n` times the first two is exact for |n| < 2^13.
_PI_PARTS = (3.140625, 9.67502593994140625e-4, 1.50995798975e-7)
#: (sin r - r) / r^3 and (cos r - 1) / r^2 by powers of r^2: Lawson fits on [0, pi / 2].
_SINE = (-0.16666656732559204, 0.008333017118275166, -0.00019806614727713168, 2.600054585855105e-06)
_COSINE = (
    -0.5,
    0.04166664183139801,
    -0.00138884037733078,
    2.4761886379565112e-05,
    -2.6077103143506974e-07,
)


@jax.custom_jvp
def sine(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """The sine, with the cosine as its derivative.

    Example:
        >>> float(abs(sine(jnp.float32(1e4)) - np.sin(1e4))) < 2e-7
        True
    """
    return lax.platform_dependent(x, cpu=_reduced_sine, default=jnp.sin)


@jax.custom_jvp
def cosine(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """The cosine, with minus the sine as its derivative."""
    return lax.platform_dependent(x, cpu=_reduced_cosine, default=jnp.cos)


@sine.defjvp
def _sine_derivative(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return sine(x), cosine(x) * dx


@cosine.defjvp
def _cosine_derivative(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return cosine(x), -sine(x) * dx


def _reduced_sine(x: Float[Array, "..."]) -> Float[Array, "..."]:
    r, sign = _half_turn(x)
    square = r * r
    return sign * (r + r * square * _polynomial(_SINE, square))


def _reduced_cosine(x: Float[Array, "..."]) -> Float[Array, "..."]:
    r, sign = _half_turn(x)
    square = r * r
    return sign * (1 + square * _polynomial(_COSINE, square))


def _half_turn(x: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """The argument less the nearest multiple of pi, and the sign that the multiple brings."""
    turns = jnp.round(x * np.float32(1 / np.pi))
    for part in _PI_PARTS:
        x = x - turns * np.float32(part)
    return x, 1 - 2 * (turns - 2 * jnp.floor(turns * 0.5))


def _polynomial(coefficients: tuple[float, ...], x: Float[Array, "..."]) -> Float[Array, "..."]:
    value = jnp.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + np.float32(coefficient)
    return value
