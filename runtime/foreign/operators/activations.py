"""Nonlinearities, by the formulas that torch documents."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from lab.runtime.foreign.operators.common import as_float, ranked, widened
from lab.runtime.lowerings.gelu import gelu as exact_gelu


def gelu(x: Array, approximate: str = "none") -> Array:
    """`x Φ(x)`: exact, or with a hyperbolic tangent where `approximate` says so.

    Through `erf`, as in torch; JAX has `erfc`, which takes several times as long.
    """
    if approximate == "tanh":
        return jax.nn.gelu(x, approximate=True)
    return exact_gelu(x)


def hardtanh(x: Array, min_val: float = -1, max_val: float = 1) -> Array:
    """`x` between two values; outside of them, and at them, the gradient is zero."""
    inside = (x > min_val) & (x < max_val)
    return jnp.where(inside, x, jax.lax.stop_gradient(jnp.clip(x, min_val, max_val)))


def relu6(x: Array) -> Array:
    """`x` between 0 and 6."""
    return hardtanh(x, 0, 6)


def hardsigmoid(x: Array) -> Array:
    """`(x + 3) / 6` between 0 and 1."""
    return hardtanh(x + 3, 0, 6) / 6


def hardswish(x: Array) -> Array:
    """`x · hardsigmoid(x)`."""
    return x * hardsigmoid(x)


def leaky_relu(x: Array, negative_slope: float = 0.01) -> Array:
    """`x`, and `negative_slope · x` below zero."""
    return jnp.where(x > 0, x, x * negative_slope)


def elu(x: Array, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Array:
    """`scale · x`, and `scale · alpha · (exp(input_scale · x) - 1)` below zero."""
    below = jnp.expm1(jnp.where(x > 0, 0, x) * input_scale) * alpha
    return scale * jnp.where(x > 0, x, below)


def celu(x: Array, alpha: float = 1) -> Array:
    """`x`, and `alpha · (exp(x / alpha) - 1)` below zero."""
    return elu(x, alpha, 1, 1 / alpha)


def softplus(x: Array, beta: float = 1, threshold: float = 20) -> Array:
    """`log(1 + exp(beta · x)) / beta`, and `x` where `beta · x` is above the threshold."""
    large = x * beta > threshold
    return jnp.where(large, x, jnp.log1p(jnp.exp(jnp.where(large, 0, x * beta))) / beta)


def mish(x: Array) -> Array:
    """`x · tanh(softplus(x))`."""
    return x * jnp.tanh(softplus(x))


def prelu(x: Array, weight: Array) -> Array:
    """`x`, and `weight · x` below zero, with one weight for each channel or for all."""
    slope = weight.astype(x.dtype)
    if weight.size > 1 and x.ndim > 1:
        slope = jnp.reshape(slope, (1, -1) + (1,) * (x.ndim - 2))
    return jnp.where(x > 0, x, x * ranked(slope, x.ndim))


def glu(x: Array, dim: int = -1) -> Array:
    """The first half times the sigmoid of the second."""
    a, b = jnp.split(x, 2, dim)
    return a * jax.nn.sigmoid(b)


def threshold(x: Array, threshold: float, value: float) -> Array:
    """`x` where it is above a threshold, and a value elsewhere."""
    return jnp.where(x > threshold, x, value).astype(x.dtype)


def softmax(x: Array, dim: int, dtype: str | None = None) -> Array:
    """Shares along an axis, computed in float32 where `x` is narrower."""
    kept = jnp.dtype(dtype) if dtype else as_float(x).dtype
    return jax.nn.softmax(widened(x), axis=dim).astype(kept)


def log_softmax(x: Array, dim: int, dtype: str | None = None) -> Array:
    """Logarithms of shares along an axis, computed in float32 where `x` is narrower."""
    kept = jnp.dtype(dtype) if dtype else as_float(x).dtype
    return jax.nn.log_softmax(widened(x), axis=dim).astype(kept)


def internal_softmax(x: Array, dim: int, half_to_float: bool = False) -> Array:
    """`softmax` under the name that torch uses inside."""
    del half_to_float
    return softmax(x, dim)


def internal_log_softmax(x: Array, dim: int, half_to_float: bool = False) -> Array:
    """`log_softmax` under the name that torch uses inside."""
    del half_to_float
    return log_softmax(x, dim)


def softshrink(x: Array, lambd: float = 0.5) -> Array:
    """`x` moved towards zero by `lambd`, and zero where that passes it."""
    return jnp.where(x > lambd, x - lambd, jnp.where(x < -lambd, x + lambd, 0))


def hardshrink(x: Array, lambd: float = 0.5) -> Array:
    """`x`, and zero within `lambd` of it."""
    return jnp.where(jnp.abs(x) > lambd, x, 0)


TABLE = {
    "_log_softmax": internal_log_softmax,
    "_softmax": internal_softmax,
    "celu": celu,
    "elu": elu,
    "gelu": gelu,
    "glu": glu,
    "hardshrink": hardshrink,
    "hardsigmoid": hardsigmoid,
    "hardswish": hardswish,
    "hardtanh": hardtanh,
    "leaky_relu": leaky_relu,
    "log_sigmoid": jax.nn.log_sigmoid,
    "log_softmax.int": log_softmax,
    "mish": mish,
    "prelu": prelu,
    "relu": jax.nn.relu,
    "relu6": relu6,
    "selu": jax.nn.selu,
    "silu": jax.nn.silu,
    "softmax.int": softmax,
    "softplus": softplus,
    "softshrink": softshrink,
    "threshold": threshold,
}
