"""Convolutions of every channel by itself, by shifting and adding.

    y[p] = Σ_i x[s p + d i - q] ∘ w[i]

is linear in `x` and in `w`, and so are its two gradients in what comes from behind and in the other
one: three functions, each the derivative of the others. Each is a fused loop over memory; XLA's own
are 5 to 200 times as slow on a processor.
"""

from collections.abc import Iterable
from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from lab.runtime.lowerings.geometry import (
    Geometry,
    counts_of,
    interleaved,
    offsets,
    seen,
    strided,
    with_room,
)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def depthwise(
    x: Float[Array, "batch *space channels"],
    kernel: Float[Array, "*window channels"],
    geometry: Geometry,
) -> Float[Array, "batch *places channels"]:
    """What the windows see, weighed and added up."""
    views = seen(x, kernel.shape[:-1], geometry)
    weights = kernel.reshape(-1, kernel.shape[-1])
    return sum(view * weight for view, weight in zip(views, weights, strict=True))


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def spread(
    y: Float[Array, "batch *places channels"],
    kernel: Float[Array, "*window channels"],
    geometry: Geometry,
    space: tuple[int, ...],
) -> Float[Array, "batch *space channels"]:
    """The gradient of `depthwise` in `x`: each place added to all that it saw.

    Elements of `x` at the same remainder by the stride are seen by the same elements of windows:
    one sum for each remainder, laid between the others.
    """
    counts = counts_of(space, geometry)
    window = kernel.shape[:-1]
    wide, before = with_room(y, window, geometry, counts)
    phases = []
    for phase in product(*map(range, geometry.stride)):
        terms = product(*offsets(window, geometry, phase, before))
        phases.append(_phase(wide, kernel, counts, terms))
    return interleaved(phases, geometry.stride, space)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def correlated(
    x: Float[Array, "batch *space channels"],
    y: Float[Array, "batch *places channels"],
    geometry: Geometry,
    window: tuple[int, ...],
) -> Float[Array, "*window channels"]:
    """The gradient of `depthwise` in `kernel`: what each element saw times what came of it."""
    products = [view * y for view in seen(x, window, geometry)]
    return jnp.stack(_sums(products, geometry)).reshape(*window, x.shape[-1])


def _sums(products: list[Array], geometry: Geometry) -> list[Array]:
    """Sums over all but channels: of all products in one pass, where none is stepped over."""
    axes = tuple(range(products[0].ndim - 1))
    if any(step > 1 for step in geometry.stride):
        return [jnp.sum(one, axes) for one in products]
    zeros = tuple(jnp.zeros((), one.dtype) for one in products)
    return list(lax.reduce(tuple(products), zeros, _added, axes))


def _added(some: tuple[Array, ...], others: tuple[Array, ...]) -> tuple[Array, ...]:
    return tuple(a + b for a, b in zip(some, others, strict=True))


def _phase(
    wide: Array,
    kernel: Array,
    counts: tuple[int, ...],
    terms: Iterable[tuple[tuple[int, int], ...]],
) -> Array:
    """The sum for elements of `x` at one remainder by the stride.

    Each of the terms is, for each axis, an element of the window and where its places begin.
    """
    ones = (1,) * len(counts)
    total = jnp.zeros((wide.shape[0], *counts, wide.shape[-1]), wide.dtype)
    for term in terms:
        element, first = zip(*term, strict=True)
        total = total + strided(wide, first, counts, ones) * kernel[element]
    return total


def _depthwise_forward(x: Array, kernel: Array, geometry: Geometry) -> tuple[Array, tuple]:
    return depthwise(x, kernel, geometry), (x, kernel)


def _depthwise_backward(geometry: Geometry, kept: tuple, gradient: Array) -> tuple[Array, Array]:
    x, kernel = kept
    in_x = spread(gradient, kernel, geometry, x.shape[1:-1])
    return in_x, correlated(x, gradient, geometry, kernel.shape[:-1])


def _spread_forward(
    y: Array, kernel: Array, geometry: Geometry, space: tuple[int, ...]
) -> tuple[Array, tuple]:
    return spread(y, kernel, geometry, space), (y, kernel)


def _spread_backward(
    geometry: Geometry, space: tuple[int, ...], kept: tuple, gradient: Array
) -> tuple[Array, Array]:
    del space
    y, kernel = kept
    in_y = depthwise(gradient, kernel, geometry)
    return in_y, correlated(gradient, y, geometry, kernel.shape[:-1])


def _correlated_forward(
    x: Array, y: Array, geometry: Geometry, window: tuple[int, ...]
) -> tuple[Array, tuple]:
    return correlated(x, y, geometry, window), (x, y)


def _correlated_backward(
    geometry: Geometry, window: tuple[int, ...], kept: tuple, gradient: Array
) -> tuple[Array, Array]:
    del window
    x, y = kept
    return spread(y, gradient, geometry, x.shape[1:-1]), depthwise(x, gradient, geometry)


depthwise.defvjp(_depthwise_forward, _depthwise_backward)
spread.defvjp(_spread_forward, _spread_backward)
correlated.defvjp(_correlated_forward, _correlated_backward)
