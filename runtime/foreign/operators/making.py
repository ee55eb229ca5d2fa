"""Arrays that are made of sizes and numbers."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array


def arange(end: int | float, dtype: str | None = None) -> Array:
    """Numbers from 0 up to an end."""
    return jnp.arange(end, dtype=dtype)


def arange_from(start: Any, end: Any, step: Any = 1, dtype: str | None = None) -> Array:
    """Numbers from a start up to an end."""
    return jnp.arange(start, end, step, dtype=dtype)


def full(size: Sequence[int], fill_value: Any, dtype: str | None = None) -> Array:
    """One number everywhere."""
    return jnp.full(size, fill_value, dtype or _type_of(fill_value))


def _type_of(number: Any) -> Any:
    """The type that torch gives to a number."""
    kinds = {bool: jnp.bool_, int: jnp.int32, float: float}
    return kinds.get(type(number), jnp.asarray(number).dtype)


def full_like(x: Array, fill_value: Any, dtype: str | None = None) -> Array:
    """One number everywhere, in the shape of another array."""
    return jnp.full(x.shape, fill_value, dtype or x.dtype)


def new_full(x: Array, size: Sequence[int], fill_value: Any, dtype: str | None = None) -> Array:
    """One number everywhere, in the type of another array."""
    return jnp.full(size, fill_value, dtype or x.dtype)


def _filled(number: int) -> Callable[..., Array]:
    def make(size: Sequence[int], dtype: str | None = None) -> Array:
        return jnp.full(size, number, dtype or float)

    return make


def _filled_like(number: int) -> Callable[..., Array]:
    def make(x: Array, dtype: str | None = None) -> Array:
        return jnp.full(x.shape, number, dtype or x.dtype)

    return make


def _filled_new(number: int) -> Callable[..., Array]:
    def make(x: Array, size: Sequence[int], dtype: str | None = None) -> Array:
        return jnp.full(size, number, dtype or x.dtype)

    return make


def fill(x: Array, value: Any) -> Array:
    """One number everywhere, in the shape and type of `x`."""
    return jnp.broadcast_to(jnp.asarray(value, x.dtype), x.shape)


def scalar_tensor(s: Any, dtype: str | None = None) -> Array:
    """A number as an array without axes."""
    return jnp.full((), s, dtype or float)


def linspace(start: float, end: float, steps: int, dtype: str | None = None) -> Array:
    """Numbers at equal distances, both ends among them."""
    return jnp.linspace(start, end, steps, dtype=dtype or float)


def eye(n: int, dtype: str | None = None) -> Array:
    """The identity."""
    return jnp.eye(n, dtype=dtype or float)


def lower_triangle(x: Array, diagonal: int = 0) -> Array:
    """`x`, and zero above a diagonal."""
    return jnp.tril(x, diagonal)


def upper_triangle(x: Array, diagonal: int = 0) -> Array:
    """`x`, and zero below a diagonal."""
    return jnp.triu(x, diagonal)


TABLE = {
    "arange": arange,
    "arange.start": arange_from,
    "arange.start_step": arange_from,
    "empty.memory_format": _filled(0),
    "empty_like": _filled_like(0),
    "eye": eye,
    "fill.Scalar": fill,
    "fill.Tensor": fill,
    "full": full,
    "full_like": full_like,
    "linspace": linspace,
    "new_empty": _filled_new(0),
    "new_full": new_full,
    "new_ones": _filled_new(1),
    "new_zeros": _filled_new(0),
    "ones": _filled(1),
    "ones_like": _filled_like(1),
    "scalar_tensor": scalar_tensor,
    "tril": lower_triangle,
    "triu": upper_triangle,
    "zero": _filled_like(0),
    "zeros": _filled(0),
    "zeros_like": _filled_like(0),
}
