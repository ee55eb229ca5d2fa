"""Comparisons, truth values, and choices by them."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool

from lab.runtime.foreign.operators.common import axes_of, paired, ranked


def choose(condition: Bool[Array, "..."], x: Any, other: Any) -> Array:
    """`x` where the condition holds, and `other` where it does not."""
    rank = max(jnp.ndim(condition), jnp.ndim(x), jnp.ndim(other))
    parts = [part if jnp.ndim(part) == 0 else ranked(part, rank) for part in (condition, x, other)]
    return jnp.where(*parts)


def choose_number(condition: Bool[Array, "..."], **given: Any) -> Array:
    """`choose` with numbers: ATen calls what is chosen `self` and `other`."""
    return choose(condition, given["self"], given["other"])


def choose_other_number(condition: Bool[Array, "..."], x: Array, other: Any) -> Array:
    """`choose` with a number where the condition does not hold; the type of `x` stays."""
    return choose(condition, x, other)


def fill_where(x: Array, mask: Bool[Array, "..."], value: Any) -> Array:
    """`x` with `value` where the mask holds; the type of `x` stays."""
    return choose(mask, jnp.asarray(value, x.dtype), x)


def any_of(x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    """Whether anything along axes is not zero."""
    return jnp.any(x, axes_of(x, dim), keepdims=keepdim)


def all_of(x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    """Whether nothing along axes is zero."""
    return jnp.all(x, axes_of(x, dim), keepdims=keepdim)


def _binary(function: Callable[..., Array]) -> Callable[..., Array]:
    def operator(x: Any, other: Any) -> Array:
        return function(*paired(x, other))

    return operator


_COMPARISONS: dict[str, Callable[..., Array]] = {
    "eq": jnp.equal,
    "ge": jnp.greater_equal,
    "gt": jnp.greater,
    "le": jnp.less_equal,
    "lt": jnp.less,
    "ne": jnp.not_equal,
    "bitwise_and": jnp.bitwise_and,
    "bitwise_or": jnp.bitwise_or,
    "bitwise_xor": jnp.bitwise_xor,
    "__and__": jnp.bitwise_and,
    "__or__": jnp.bitwise_or,
    "__xor__": jnp.bitwise_xor,
}

TABLE = {
    **{
        f"{name}.{kind}": _binary(function)
        for name, function in _COMPARISONS.items()
        for kind in ("Scalar", "Tensor")
    },
    "all": all_of,
    "all.dim": all_of,
    "all.dims": all_of,
    "any": any_of,
    "any.dim": any_of,
    "any.dims": any_of,
    "bitwise_not": jnp.bitwise_not,
    "isfinite": jnp.isfinite,
    "isinf": jnp.isinf,
    "isnan": jnp.isnan,
    "logical_and": _binary(jnp.logical_and),
    "logical_not": jnp.logical_not,
    "logical_or": _binary(jnp.logical_or),
    "logical_xor": _binary(jnp.logical_xor),
    "masked_fill.Scalar": fill_where,
    "masked_fill.Tensor": fill_where,
    "where.Scalar": choose_number,
    "where.ScalarOther": choose_other_number,
    "where.ScalarSelf": choose_number,
    "where.self": choose,
}
