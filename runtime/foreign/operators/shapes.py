"""The same elements in other shapes, orders and types; parts of arrays, and arrays of parts."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from lab.runtime.foreign.operators.common import axes_of, ranked


def reshape(x: Array, size: Sequence[int]) -> Array:
    """The elements in another shape, one size of which may be -1."""
    return jnp.reshape(x, tuple(size))


def reshape_as(x: Array, shape: Sequence[int]) -> Array:
    """`reshape`, whose sizes ATen calls a shape."""
    return jnp.reshape(x, tuple(shape))


def permute(x: Array, dims: Sequence[int]) -> Array:
    """The axes in another order."""
    return jnp.transpose(x, axes_of(x, dims)) if dims else x


def transpose(x: Array, dim0: int, dim1: int) -> Array:
    """Two axes in each other's place."""
    return jnp.swapaxes(x, dim0, dim1)


def transpose_matrix(x: Array) -> Array:
    """A matrix turned over; a vector as it is."""
    return x.T


def move_axes(x: Array, source: Any, destination: Any) -> Array:
    """Axes at other places."""
    return jnp.moveaxis(x, source, destination)


def unsqueeze(x: Array, dim: int) -> Array:
    """A new axis of one."""
    return jnp.expand_dims(x, dim)


def squeeze(x: Array, dim: int | Sequence[int] | None = None) -> Array:
    """Without axes of one: all, or those named; others that are named stay."""
    return jnp.squeeze(x, tuple(axis for axis in axes_of(x, dim) if x.shape[axis] == 1))


def flatten(x: Array, start_dim: int = 0, end_dim: int = -1) -> Array:
    """Some axes as one."""
    start, end = start_dim % x.ndim, end_dim % x.ndim
    return jnp.reshape(x, (*x.shape[:start], -1, *x.shape[end + 1 :]))


def unflatten(x: Array, dim: int, sizes: Sequence[int]) -> Array:
    """One axis as several."""
    dim %= x.ndim
    return jnp.reshape(x, (*x.shape[:dim], *sizes, *x.shape[dim + 1 :]))


def expand(x: Array, size: Sequence[int], implicit: bool = False) -> Array:
    """Axes of one repeated up to a size; -1 leaves one as it is."""
    del implicit
    x = ranked(x, len(size))
    return jnp.broadcast_to(
        x, [old if new == -1 else new for old, new in zip(x.shape, size, strict=True)]
    )


def expand_as(x: Array, other: Array) -> Array:
    """Repeated up to the shape of another array."""
    return jnp.broadcast_to(ranked(x, other.ndim), other.shape)


def repeat(x: Array, repeats: Sequence[int]) -> Array:
    """Copies side by side along every axis."""
    return jnp.tile(x, tuple(repeats))


def tile(x: Array, dims: Sequence[int]) -> Array:
    """Copies side by side along the last axes."""
    return jnp.tile(x, tuple(dims))


def repeat_each(x: Array, repeats: int, dim: int | None = None, output_size: Any = None) -> Array:
    """Every element a number of times."""
    del output_size
    return jnp.repeat(x, repeats, axis=dim)


def concatenate(tensors: Sequence[Array], dim: int = 0) -> Array:
    """Arrays one after the other; empty vectors are passed over."""
    parts = [one for one in tensors if one.shape != (0,)] or list(tensors)
    return jnp.concatenate(parts, dim)


def stack(tensors: Sequence[Array], dim: int = 0) -> Array:
    """Arrays along a new axis."""
    return jnp.stack(list(tensors), dim)


def split(x: Array, split_size: int, dim: int = 0) -> tuple[Array, ...]:
    """Parts of one size along an axis; the last may be smaller."""
    return tuple(jnp.split(x, list(range(split_size, x.shape[dim], split_size)), dim))


def split_in_sizes(x: Array, split_sizes: Sequence[int], dim: int = 0) -> tuple[Array, ...]:
    """Parts of given sizes along an axis."""
    ends = [sum(split_sizes[: i + 1]) for i in range(len(split_sizes) - 1)]
    return tuple(jnp.split(x, ends, dim))


def chunk(x: Array, chunks: int, dim: int = 0) -> tuple[Array, ...]:
    """At most so many parts of one size along an axis."""
    return split(x, max(-(-x.shape[dim] // chunks), 1), dim)


def unbind(x: Array, dim: int = 0) -> tuple[Array, ...]:
    """What stands at each place of an axis."""
    # The gradient of a split is one concatenation; that of places taken, a sum of padded arrays.
    return tuple(jnp.squeeze(one, dim) for one in jnp.split(x, x.shape[dim], dim))


def slice_axis(
    x: Array, *, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Array:
    """A slice along an axis, with the bounds that Python allows."""
    first, last, step = slice(start, end, step).indices(x.shape[dim])
    return jax.lax.slice_in_dim(x, first, max(first, last), step, axis=dim)


def select(x: Array, dim: int, index: int) -> Array:
    """What stands at one place of an axis."""
    return jax.lax.index_in_dim(x, index, dim, keepdims=False)


def narrow(x: Array, dim: int, start: int, length: int) -> Array:
    """A stretch of an axis."""
    return jax.lax.slice_in_dim(x, start, start + length, axis=dim)


def roll(x: Array, shifts: Sequence[int], dims: Sequence[int] = ()) -> Array:
    """Places moved around along axes, or around the whole array."""
    return jnp.roll(x, tuple(shifts), tuple(dims)) if dims else jnp.roll(x, shifts[0])


def flip(x: Array, dims: Sequence[int]) -> Array:
    """Axes the other way round."""
    return jnp.flip(x, tuple(dims))


def pad(x: Array, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Array:
    """More elements at the ends of axes, the last axis first; negative numbers cut."""
    widths = [(0, 0)] * x.ndim
    for place in range(len(pad) // 2):
        widths[x.ndim - 1 - place] = (pad[2 * place], pad[2 * place + 1])
    cut = tuple(
        slice(max(-before, 0), size - max(-behind, 0))
        for size, (before, behind) in zip(x.shape, widths, strict=True)
    )
    x, widths = x[cut], [(max(before, 0), max(behind, 0)) for before, behind in widths]
    if mode == "constant":
        return jnp.pad(x, widths, constant_values=0 if value is None else value)
    return jnp.pad(x, widths, mode={"replicate": "edge", "circular": "wrap"}.get(mode, mode))


def pad_constant(x: Array, pad: Sequence[int], value: float = 0) -> Array:
    """One number at the ends of axes."""
    return _pad(x, pad, "constant", value)


def unfold(x: Array, dimension: int, size: int, step: int) -> Array:
    """Windows of an axis, along a new last one."""
    starts = range(0, x.shape[dimension] - size + 1, step)
    windows = [jax.lax.slice_in_dim(x, s, s + size, axis=dimension) for s in starts]
    return jnp.moveaxis(jnp.stack(windows, dimension), dimension % x.ndim + 1, -1)


def im2col(
    x: Array,
    *,
    kernel_size: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> Array:
    """Patches of images as columns: (batch, channels · window, places)."""
    x = jnp.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    counts = [
        (size - d * (k - 1) - 1) // s + 1
        for size, k, d, s in zip(x.shape[2:], kernel_size, dilation, stride, strict=True)
    ]
    patches = [
        x[
            :,
            :,
            i * dilation[0] : i * dilation[0] + stride[0] * (counts[0] - 1) + 1 : stride[0],
            j * dilation[1] : j * dilation[1] + stride[1] * (counts[1] - 1) + 1 : stride[1],
        ]
        for i in range(kernel_size[0])
        for j in range(kernel_size[1])
    ]
    columns = jnp.stack(patches, 2)
    return jnp.reshape(columns, (x.shape[0], x.shape[1] * len(patches), counts[0] * counts[1]))


def same(x: Array) -> Array:
    """The array: what torch copies, or gives another name, is no other array here."""
    return x


def detach(x: Array) -> Array:
    """The array, without a gradient."""
    return jax.lax.stop_gradient(x)


def cast(x: Array, dtype: str | None = None) -> Array:
    """Elements in another type."""
    return x if dtype is None else x.astype(dtype)


def cast_as(x: Array, other: Array) -> Array:
    """Elements in the type of another array."""
    return x.astype(other.dtype)


def broadcast_together(tensors: Sequence[Array]) -> list[Array]:
    """Arrays repeated up to a shape that fits all."""
    rank = max(one.ndim for one in tensors)
    return jnp.broadcast_arrays(*[ranked(one, rank) for one in tensors])


def meshgrid(tensors: Sequence[Array], indexing: str = "ij") -> list[Array]:
    """Coordinates of a grid from those along its axes."""
    return jnp.meshgrid(*tensors, indexing=indexing)


_pad = pad

TABLE = {
    "_to_copy": cast,
    "_unsafe_view": reshape,
    "alias": same,
    "broadcast_tensors": broadcast_together,
    "cat": concatenate,
    "chunk": chunk,
    "clone": same,
    "constant_pad_nd": pad_constant,
    "contiguous": same,
    "detach": detach,
    "expand": expand,
    "expand_as": expand_as,
    "flatten.using_ints": flatten,
    "flip": flip,
    "im2col": im2col,
    "lift_fresh_copy": same,
    "meshgrid.indexing": meshgrid,
    "movedim.intlist": move_axes,
    "narrow": narrow,
    "pad": pad,
    "permute": permute,
    "repeat": repeat,
    "repeat_interleave.self_int": repeat_each,
    "reshape": reshape_as,
    "roll": roll,
    "select.int": select,
    "slice.Tensor": slice_axis,
    "split.Tensor": split,
    "split_with_sizes": split_in_sizes,
    "squeeze": squeeze,
    "squeeze.dim": squeeze,
    "squeeze.dims": squeeze,
    "stack": stack,
    "t": transpose_matrix,
    "tile": tile,
    "to.dtype": cast,
    "transpose.int": transpose,
    "type_as": cast_as,
    "unbind.int": unbind,
    "unflatten.int": unflatten,
    "unfold": unfold,
    "unsqueeze": unsqueeze,
    "view": reshape,
}
