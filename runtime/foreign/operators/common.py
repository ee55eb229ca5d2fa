"""What operators share: axes and ranks as torch counts them."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array


def paired(a: Any, b: Any) -> tuple[Any, Any]:
    """Two operands, the one of lower rank with axes of one in front; numbers stay as they are."""
    ranks = [jnp.ndim(a), jnp.ndim(b)]
    if 0 in ranks or ranks[0] == ranks[1]:
        return a, b
    rank = max(ranks)
    return ranked(a, rank), ranked(b, rank)


def ranked(array: Array, rank: int) -> Array:
    """An array with axes of one in front, up to a rank."""
    return jnp.reshape(array, (1,) * (rank - array.ndim) + array.shape)


def axes_of(array: Array, dim: int | Sequence[int] | None) -> tuple[int, ...]:
    """The axes that `dim` means, counted from the first; all where it names none."""
    if dim is None or (isinstance(dim, (list, tuple)) and not dim):
        return tuple(range(array.ndim))
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    return tuple(one % max(array.ndim, 1) for one in dims)


def each(given: int | Sequence[int], axes: int) -> tuple[int, ...]:
    """A number for each axis, from one for all or one for each."""
    numbers = (given,) if isinstance(given, int) else tuple(given)
    return numbers * axes if len(numbers) == 1 else numbers


def as_float(array: Array) -> Array:
    """Whole numbers and truth values as float32; anything else as it is."""
    return array if jnp.issubdtype(array.dtype, jnp.inexact) else array.astype(float)


def widened(array: Array) -> Array:
    """What is narrower than float32 as float32; anything else as it is."""
    return array.astype(jnp.promote_types(array.dtype, jnp.float32))
