"""Pooling over windows, of one, two or three axes of space."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from lab.runtime.foreign.operators.common import each

Sizes = int | Sequence[int]


def _windows(
    size: int, window: int, *, stride: int, padding: int, dilation: int = 1, ceil_mode: bool
) -> tuple[int, int]:
    """How many windows there are, and how much is padded behind for that many.

    With `ceil_mode` the last one may reach beyond the padding, but must start before its end.
    """
    reach = dilation * (window - 1) + 1
    room = size + 2 * padding - reach
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    return count, max((count - 1) * stride + reach - size - padding, 0)


def max_pool(
    x: Float[Array, "batch channels *space"],
    kernel_size: Sizes,
    *,
    stride: Sizes = (),
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    axes: int,
) -> Float[Array, "batch channels *new_space"]:
    """The largest of each window."""
    window = each(kernel_size, axes)
    steps = each(stride, axes) if stride else window
    before, spread = each(padding, axes), each(dilation, axes)
    behind = [
        _windows(size, w, stride=s, padding=p, dilation=d, ceil_mode=ceil_mode)[1]
        for size, w, s, p, d in zip(x.shape[-axes:], window, steps, before, spread, strict=True)
    ]
    if any(d > 1 for d in spread):
        return _largest_of_slices(
            x, (window, steps, spread), list(zip(before, behind, strict=True))
        )
    ones = (1,) * (x.ndim - axes)
    return lax.reduce_window(
        x,
        np.array(-np.inf, x.dtype),
        lax.max,
        (*ones, *window),
        (*ones, *steps),
        [(0, 0)] * len(ones) + list(zip(before, behind, strict=True)),
    )


def _largest_of_slices(
    x: Array, form: tuple[tuple[int, ...], ...], pads: list[tuple[int, int]]
) -> Array:
    """Windows with gaps, which have no gradient in the compiler: one slice for each element."""
    window, steps, spread = form
    axes = len(window)
    lowest = -jnp.inf
    x = jnp.pad(x, [(0, 0)] * (x.ndim - axes) + pads, constant_values=lowest)
    space = x.shape[-axes:]
    counts = [
        (size - d * (w - 1) - 1) // s + 1
        for size, w, s, d in zip(space, window, steps, spread, strict=True)
    ]
    slices = [
        x[
            (
                ...,
                *(
                    slice(i * d, i * d + s * (n - 1) + 1, s)
                    for i, d, s, n in zip(cell, spread, steps, counts, strict=True)
                ),
            )
        ]
        for cell in product(*map(range, window))
    ]
    return jnp.max(jnp.stack(slices), 0)


def average_pool(
    x: Float[Array, "batch channels *space"],
    kernel_size: Sizes,
    *,
    stride: Sizes = (),
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    axes: int,
) -> Float[Array, "batch channels *new_space"]:
    """The mean of each window, padding counted among its elements or not."""
    window = each(kernel_size, axes)
    steps = each(stride, axes) if stride else window
    before = each(padding, axes)
    space = x.shape[-axes:]
    behind = [
        _windows(size, w, stride=s, padding=p, ceil_mode=ceil_mode)[1]
        for size, w, s, p in zip(space, window, steps, before, strict=True)
    ]
    pads = list(zip(before, behind, strict=True))
    sums = _window_sums(x, window, steps, pads)
    if divisor_override is not None:
        return sums / divisor_override
    if not any(map(any, pads)):
        return sums / _volume(window)
    inside = jnp.ones(space, x.dtype)
    if count_include_pad:
        inside = jnp.pad(inside, list(zip(before, before, strict=True)), constant_values=1)
        pads = [(0, max(b - p, 0)) for p, b in pads]
    counts = _window_sums(inside, window, steps, pads)
    return sums / jnp.reshape(counts, (1,) * (x.ndim - axes) + counts.shape)


def _window_sums(
    x: Array, window: Sequence[int], steps: Sequence[int], pads: Sequence[tuple[int, int]]
) -> Array:
    ones = (1,) * (x.ndim - len(window))
    zero = np.zeros((), x.dtype)
    padding = [(0, 0)] * len(ones) + list(pads)
    return lax.reduce_window(x, zero, lax.add, (*ones, *window), (*ones, *steps), padding)


def _volume(window: Sequence[int]) -> int:
    volume = 1
    for size in window:
        volume *= size
    return volume


def adaptive_average_pool(
    x: Float[Array, "batch channels *space"], output_size: Sizes, *, axes: int
) -> Float[Array, "batch channels *new_space"]:
    """Means of as many windows as are asked for, which may overlap."""
    sizes = each(output_size, axes)
    if all(size == 1 for size in sizes):
        return jnp.mean(x, tuple(range(-axes, 0)), keepdims=True)
    return _adaptive(x, sizes, jnp.mean)


def adaptive_max_pool(
    x: Float[Array, "batch channels *space"], output_size: Sizes, *, axes: int
) -> tuple[Array, None]:
    """The largest of as many windows as are asked for; where it stood is not said."""
    return _adaptive(x, each(output_size, axes), jnp.max), None


def _adaptive(x: Array, sizes: Sequence[int], reduce: Callable[..., Array]) -> Array:
    """Window `i` of `n` is from `⌊i · size / n⌋` up to `⌈(i + 1) · size / n⌉`."""
    axes = len(sizes)
    space = x.shape[-axes:]
    if all(size % n == 0 for size, n in zip(space, sizes, strict=True)):
        parts = [part for size, n in zip(space, sizes, strict=True) for part in (n, size // n)]
        split = jnp.reshape(x, (*x.shape[:-axes], *parts))
        return reduce(split, tuple(range(-2 * axes + 1, 0, 2)))
    bounds = [
        [(i * size // n, -(-(i + 1) * size // n)) for i in range(n)]
        for size, n in zip(space, sizes, strict=True)
    ]
    cells = [
        reduce(x[(..., *(slice(*bound) for bound in cell))], tuple(range(-axes, 0)))
        for cell in product(*bounds)
    ]
    return jnp.reshape(jnp.stack(cells, -1), (*x.shape[:-axes], *sizes))


def max_pool_with_places(x: Array, kernel_size: Sizes, *, axes: int, **rest: Any) -> tuple:
    """`max_pool`; where the largest stood is not said."""
    return max_pool(x, kernel_size, axes=axes, **rest), None


def _over(axes: int, function: Callable[..., Any]) -> Callable[..., Any]:
    def operator(x: Array, **given: Any) -> Any:
        return function(x, **given, axes=axes)

    return operator


TABLE = {
    **{f"adaptive_avg_pool{n}d": _over(n, adaptive_average_pool) for n in (1, 2, 3)},
    **{f"_adaptive_avg_pool{n}d": _over(n, adaptive_average_pool) for n in (2, 3)},
    **{f"adaptive_max_pool{n}d": _over(n, adaptive_max_pool) for n in (1, 2, 3)},
    **{f"avg_pool{n}d": _over(n, average_pool) for n in (1, 2, 3)},
    **{f"max_pool{n}d": _over(n, max_pool) for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": _over(n, max_pool_with_places) for n in (2, 3)},
}
