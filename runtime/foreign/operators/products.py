"""Products of matrices. Arrays are brought to the type of the weights."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from lab.runtime.lowerings.products import product


def linear(
    x: Float[Array, "*batch inputs"], weight: Float[Array, "outputs inputs"], bias: Any = None
) -> Float[Array, "*batch outputs"]:
    """`x Wᵀ + b`."""
    y = product(x.astype(weight.dtype), weight)
    return y if bias is None else _plus(y, bias)


def add_product(x: Array, a: Array, b: Array, *, beta: float = 1, alpha: float = 1) -> Array:
    """`beta · x + alpha · a b`, for matrices or stacks of them."""
    product = a.astype(b.dtype) @ b
    product = product if alpha == 1 else product * alpha
    return _plus(product, x if beta == 1 else x * beta)


def _plus(product: Array, bias: Array) -> Array:
    bias = bias.astype(product.dtype)
    return product + jnp.reshape(bias, (1,) * (product.ndim - bias.ndim) + bias.shape)


def matmul(a: Array, b: Array) -> Array:
    """Products of stacks of matrices, which may be vectors."""
    dtype = jnp.promote_types(a.dtype, b.dtype)
    if a.ndim > 2 and b.ndim == 2:
        return a.astype(dtype) @ b.astype(dtype)
    a, b = _stacked(a.astype(dtype), b.astype(dtype))
    return jnp.matmul(a, b)


def _stacked(a: Array, b: Array) -> tuple[Array, Array]:
    """Stacks of as many axes, for jax under strict promotion of ranks."""
    if min(a.ndim, b.ndim) < 2 or a.ndim == b.ndim:
        return a, b
    rank = max(a.ndim, b.ndim)
    return tuple(jnp.reshape(x, (1,) * (rank - x.ndim) + x.shape) for x in (a, b))  # pyright: ignore[reportReturnType]


def einsum(equation: str, operands: list[Array], path: Any = None) -> Array:
    """A sum of products in Einstein's notation."""
    del path
    return jnp.einsum(equation.replace(" ", ""), *operands)


def outer(a: Array, b: Array) -> Array:
    """Products of every element with every other."""
    return a[:, None] * b[None, :]


TABLE = {
    "addmm": add_product,
    "baddbmm": add_product,
    "bmm": matmul,
    "dot": matmul,
    "einsum": einsum,
    "linear": linear,
    "matmul": matmul,
    "mm": matmul,
    "mv": matmul,
    "outer": outer,
}
