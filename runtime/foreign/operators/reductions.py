"""Sums, means, extremes and orders along axes."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from lab.runtime.foreign.operators.common import as_float, axes_of


def total(x: Array, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Array:
    """The sum along axes; of whole numbers and truth values a whole number."""
    kind = jnp.int32 if dtype is None and not jnp.issubdtype(x.dtype, jnp.inexact) else dtype
    return jnp.sum(x, axes_of(x, dim), keepdims=keepdim, dtype=kind)


def mean(x: Array, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Array:
    """The mean along axes."""
    return jnp.mean(x, axes_of(x, dim), keepdims=keepdim, dtype=dtype)


def product(x: Array, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Array:
    """The product along axes."""
    return jnp.prod(x, axes_of(x, dim), keepdims=keepdim, dtype=dtype)


def variance(
    x: Array, dim: Any = None, correction: float | None = 1, keepdim: bool = False
) -> Array:
    """The variance along axes: squares around the mean, over the count less a correction."""
    axes = axes_of(x, dim)
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    squares = jnp.square(x - jnp.mean(x, axes, keepdims=True))
    correction = 1 if correction is None else correction
    return jnp.sum(squares, axes, keepdims=keepdim) / max(count - correction, 0)


def deviation(
    x: Array, dim: Any = None, correction: float | None = 1, keepdim: bool = False
) -> Array:
    """The root of the variance."""
    return jnp.sqrt(variance(x, dim, correction, keepdim))


def variance_and_mean(
    x: Array, dim: Any = None, correction: float | None = 1, keepdim: bool = False
) -> tuple[Array, Array]:
    """Both of them."""
    return variance(x, dim, correction, keepdim), mean(x, dim, keepdim)


def largest(x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    """The largest along axes."""
    return jnp.max(x, axes_of(x, dim), keepdims=keepdim)


def smallest(x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    """The smallest along axes."""
    return jnp.min(x, axes_of(x, dim), keepdims=keepdim)


def largest_and_place(x: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """The largest along an axis, and where it stands."""
    return largest(x, dim, keepdim), place_of_largest(x, dim, keepdim)


def smallest_and_place(x: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """The smallest along an axis, and where it stands."""
    return smallest(x, dim, keepdim), jnp.argmin(x, dim, keepdims=keepdim).astype(jnp.int32)


def place_of_largest(x: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """Where the largest stands: the first of its like."""
    return jnp.argmax(x, dim, keepdims=keepdim).astype(jnp.int32)


def place_of_smallest(x: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """Where the smallest stands: the first of its like."""
    return jnp.argmin(x, dim, keepdims=keepdim).astype(jnp.int32)


def running_total(x: Array, dim: int, dtype: str | None = None) -> Array:
    """Sums up to each place of an axis."""
    kind = jnp.int32 if dtype is None and not jnp.issubdtype(x.dtype, jnp.inexact) else dtype
    return jnp.cumsum(x, axis=dim, dtype=kind)


def log_of_sum_of_exponentials(x: Array, dim: Any, keepdim: bool = False) -> Array:
    """`log Σ exp(x)` along axes."""
    return jax.scipy.special.logsumexp(as_float(x), axis=axes_of(x, dim), keepdims=keepdim)


def top(
    x: Array, k: int, *, dim: int = -1, largest: bool = True, sorted: bool = True
) -> tuple[Array, Array]:
    """The largest or smallest few along an axis in their order, and where they stand."""
    del sorted
    moved = jnp.moveaxis(x, dim, -1)
    values, places = jax.lax.top_k(moved if largest else -moved, k)
    values = values if largest else -values
    return jnp.moveaxis(values, -1, dim), jnp.moveaxis(places, -1, dim).astype(jnp.int32)


def in_order(x: Array, dim: int = -1, descending: bool = False) -> tuple[Array, Array]:
    """Elements of an axis in order, and where they stood; equal ones keep theirs."""
    places = jnp.argsort(x, axis=dim, stable=True, descending=descending)
    return jnp.take_along_axis(x, places, axis=dim), places.astype(jnp.int32)


def places_in_order(x: Array, dim: int = -1, descending: bool = False) -> Array:
    """Where the elements of an axis stood before they were in order."""
    return in_order(x, dim, descending)[1]


def stable_order(x: Array, stable: bool, dim: int = -1, descending: bool = False) -> Any:
    """`in_order`."""
    del stable
    return in_order(x, dim, descending)


def _unbiased(function: Callable[..., Any]) -> Callable[..., Any]:
    """The older form, which says whether the count is one less."""

    def operator(x: Array, dim: Any = None, unbiased: bool = True, keepdim: bool = False) -> Any:
        return function(x, dim, 1 if unbiased else 0, keepdim)

    return operator


TABLE = {
    "amax": largest,
    "amin": smallest,
    "argmax": place_of_largest,
    "argmin": place_of_smallest,
    "argsort": places_in_order,
    "cumsum": running_total,
    "logsumexp": log_of_sum_of_exponentials,
    "max": largest,
    "max.dim": largest_and_place,
    "mean": mean,
    "mean.dim": mean,
    "min": smallest,
    "min.dim": smallest_and_place,
    "prod": product,
    "prod.dim_int": product,
    "sort": in_order,
    "sort.stable": stable_order,
    "std": _unbiased(deviation),
    "std.correction": deviation,
    "std.dim": _unbiased(deviation),
    "sum": total,
    "sum.dim_IntList": total,
    "topk": top,
    "var": _unbiased(variance),
    "var.correction": variance,
    "var.dim": _unbiased(variance),
    "var_mean.correction": variance_and_mean,
    "var_mean.dim": _unbiased(variance_and_mean),
}
