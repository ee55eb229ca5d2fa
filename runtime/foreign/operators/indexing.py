"""Elements and slices by their places."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, Shaped

from lab.runtime.foreign.operators.common import ranked


def index(x: Array, indices: Sequence[Any]) -> Array:
    """Elements by arrays of places, one for each axis; None takes an axis whole."""
    return x[_places(indices)]


def _places(indices: Sequence[Any]) -> tuple[Any, ...]:
    """Places as an index of jax: None is every place, all arrays have as many axes."""
    rank = max((one.ndim for one in indices if one is not None), default=0)
    return tuple(slice(None) if one is None else ranked(one, rank) for one in indices)


def index_put(x: Array, indices: Sequence[Any], values: Array, accumulate: bool = False) -> Array:
    """`x` with values at places, or with values added there."""
    values = values.astype(x.dtype)
    if any(one is not None and one.dtype == jnp.bool_ for one in indices):
        return _put_by_mask(x, indices, values, accumulate=accumulate)
    at = x.at[_places(indices)]
    return at.add(values) if accumulate else at.set(values)


def _put_by_mask(x: Array, indices: Sequence[Any], values: Array, *, accumulate: bool) -> Array:
    """With one mask over the first axes, and one value for all places."""
    (mask,) = (one for one in indices if one is not None)
    mask = jnp.reshape(mask, mask.shape + (1,) * (x.ndim - mask.ndim))
    values = jnp.reshape(values, (1,) * (x.ndim - values.ndim) + values.shape)
    return jnp.where(mask, x + values if accumulate else values, x)


def index_select(x: Array, dim: int, index: Int[Array, "n"]) -> Array:
    """Slices along an axis."""
    return jnp.take(x, index, axis=dim)


def gather(x: Array, dim: int, index: Int[Array, "..."], sparse_grad: bool = False) -> Array:
    """Elements whose place along one axis is given for each."""
    del sparse_grad
    return jnp.take_along_axis(_cut(x, dim, index.shape), index, axis=dim)


def _cut(x: Array, dim: int, shape: Sequence[int]) -> Array:
    """Along the other axes torch looks no further than the places reach."""
    dim %= x.ndim
    return x[tuple(slice(None) if i == dim else slice(size) for i, size in enumerate(shape))]


def _along(dim: int, index: Array) -> tuple[Array, ...]:
    places = list(jnp.indices(index.shape, sparse=True))
    places[dim % index.ndim] = index
    return tuple(places)


def scatter(x: Array, dim: int, index: Int[Array, "..."], **given: Any) -> Array:
    """`x` with values at places along an axis: `src`, or one `value`."""
    source = given.get("src")
    if source is None:
        return x.at[_along(dim, index)].set(jnp.asarray(given["value"], x.dtype))
    return x.at[_along(dim, index)].set(_first(source, index).astype(x.dtype))


def scatter_add(x: Array, dim: int, index: Int[Array, "..."], src: Array) -> Array:
    """`x` with values added at places along an axis."""
    return x.at[_along(dim, index)].add(_first(src, index).astype(x.dtype))


def _first(source: Array, index: Array) -> Array:
    return source[tuple(slice(size) for size in index.shape)]


def embedding(
    weight: Shaped[Array, "words size"],
    indices: Int[Array, "*places"],
    *,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Shaped[Array, "*places size"]:
    """Rows of a table; the padding's row has no gradient."""
    del scale_grad_by_freq, sparse
    rows = weight[indices]
    if padding_idx < 0:
        return rows
    return jnp.where((indices == padding_idx)[..., None], jax.lax.stop_gradient(rows), rows)


def slice_scatter(
    x: Array,
    src: Array,
    *,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Array:
    """`x` with a slice of it replaced."""
    place = [slice(None)] * x.ndim
    place[dim] = slice(start, end, step)
    return x.at[tuple(place)].set(src.astype(x.dtype))


def select_scatter(x: Array, src: Array, dim: int, index: int) -> Array:
    """`x` with what stands at one place of an axis replaced."""
    place: list[Any] = [slice(None)] * x.ndim
    place[dim] = index
    return x.at[tuple(place)].set(src.astype(x.dtype))


def one_hot(x: Int[Array, "..."], num_classes: int) -> Int[Array, "... k"]:
    """One at the place of each number, else zero."""
    return jax.nn.one_hot(x, num_classes, dtype=jnp.int32)


def masked_scatter_value(x: Array, mask: Bool[Array, "..."], value: Any) -> Array:
    """`x` with a value where a mask holds."""
    return jnp.where(mask, value, x)


def take_along(x: Array, indices: Int[Array, "..."], dim: int) -> Array:
    """Elements by places along an axis; the others are broadcast."""
    return jnp.take_along_axis(x, indices, axis=dim)


TABLE = {
    "embedding": embedding,
    "gather": gather,
    "index.Tensor": index,
    "index_put": index_put,
    "index_select": index_select,
    "one_hot": one_hot,
    "scatter.src": scatter,
    "scatter.value": scatter,
    "scatter_add": scatter_add,
    "select_scatter": select_scatter,
    "slice_scatter": slice_scatter,
    "take_along_dim": take_along,
}
