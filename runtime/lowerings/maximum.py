"""The largest of each window, and the gradient that torch has.

XLA's own gradient goes through a scatter on a processor, element by element. Here the places of the
largest are kept from the forward pass, and what comes from behind is added to them by shifting. Of
equal elements the first in a window, rows before columns, has the whole gradient, as in torch.
"""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int32

from lab.runtime.lowerings.geometry import (
    Geometry,
    counts_of,
    interleaved,
    offsets,
    seen,
    strided,
    with_room,
)


def largest(
    x: Float[Array, "batch *space channels"],
    window: tuple[int, ...],
    geometry: Geometry,
    behind: tuple[int, ...],
) -> Float[Array, "batch *places channels"]:
    """The largest of each window. `behind` is padding at the end, `geometry.padding` before."""
    pads = zip(geometry.padding, behind, strict=True)
    edges = [(0, 0, 0), *((before, after, 0) for before, after in pads), (0, 0, 0)]
    wide = lax.pad(x, jnp.full((), -jnp.inf, x.dtype), edges)
    bare = Geometry(geometry.stride, (0,) * len(window), geometry.dilation)
    return _largest(wide, window, bare)


@partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def _largest(x: Array, window: tuple[int, ...], geometry: Geometry) -> Array:
    first, *others = seen(x, window, geometry)
    for view in others:
        first = jnp.maximum(first, view)
    return first


def _forward(x: Array, window: tuple[int, ...], geometry: Geometry) -> tuple[Array, tuple]:
    found, *others = seen(x, window, geometry)
    which = jnp.zeros(found.shape, jnp.int32)
    for element, view in enumerate(others, start=1):
        which = jnp.where(view > found, element, which)
        found = jnp.maximum(found, view)
    return found, (which, x)


def _backward(
    window: tuple[int, ...],
    geometry: Geometry,
    kept: tuple[Int32[Array, "batch *places channels"], Array],
    gradient: Array,
) -> tuple[Array]:
    which, x = kept
    space = x.shape[1:-1]
    counts = counts_of(space, geometry)
    values, before = with_room(gradient, window, geometry, counts)
    # Room around holds element zero with a gradient of zero.
    places, _ = with_room(which, window, geometry, counts)
    ones = (1,) * len(window)
    phases = []
    for phase in product(*map(range, geometry.stride)):
        total = jnp.zeros((x.shape[0], *counts, x.shape[-1]), x.dtype)
        for term in product(*offsets(window, geometry, phase, before)):
            element, first = zip(*term, strict=True)
            here = strided(places, first, counts, ones) == _number(element, window)
            total = total + jnp.where(here, strided(values, first, counts, ones), 0)
        phases.append(total)
    return (interleaved(phases, geometry.stride, space),)


def _number(element: tuple[int, ...], window: tuple[int, ...]) -> int:
    """Which element of a window it is, the last axis fastest."""
    number = 0
    for place, size in zip(element, window, strict=True):
        number = number * size + place
    return number


_largest.defvjp(_forward, _backward)
