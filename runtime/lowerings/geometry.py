"""Where the windows of a convolution stand, and what each element of a window sees."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


@dataclass(frozen=True)
class Geometry:
    """Steps, zeros on both sides and spread of windows: a number for each axis of space."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]

    def places(self, space: tuple[int, ...], window: tuple[int, ...]) -> tuple[int, ...]:
        """How many windows there are along each axis."""
        return tuple(
            (size + 2 * p - d * (w - 1) - 1) // s + 1
            for size, w, s, p, d in zip(
                space, window, self.stride, self.padding, self.dilation, strict=True
            )
        )


def padded(
    x: Float[Array, "batch *space channels"], pads: tuple[tuple[int, int], ...]
) -> Float[Array, "batch *wider channels"]:
    """Zeros before and behind each axis of space; a negative number takes away."""
    if not any(map(any, pads)):
        return x
    edges = [(0, 0, 0), *((before, behind, 0) for before, behind in pads), (0, 0, 0)]
    return lax.pad(x, jnp.zeros((), x.dtype), edges)


def seen(
    x: Float[Array, "batch *space channels"], window: tuple[int, ...], geometry: Geometry
) -> Iterator[Float[Array, "batch *places channels"]]:
    """For each element of a window, the last axis fastest, what it sees at all places."""
    places = geometry.places(x.shape[1:-1], window)
    wide = padded(x, tuple((p, p) for p in geometry.padding))
    for element in product(*map(range, window)):
        first = [i * d for i, d in zip(element, geometry.dilation, strict=True)]
        yield strided(wide, first, places, geometry.stride)


def strided(
    x: Float[Array, "batch *space channels"],
    first: Sequence[int],
    counts: tuple[int, ...],
    steps: tuple[int, ...],
) -> Float[Array, "batch *counts channels"]:
    """So many elements of each axis of space, from a first one on, in steps."""
    last = [f + s * (n - 1) + 1 for f, n, s in zip(first, counts, steps, strict=True)]
    return lax.slice(x, (0, *first, 0), (x.shape[0], *last, x.shape[-1]), (1, *steps, 1))


def counts_of(space: tuple[int, ...], geometry: Geometry) -> tuple[int, ...]:
    """How many elements of each axis have one remainder by the stride, at most."""
    return tuple(-(-size // s) for size, s in zip(space, geometry.stride, strict=True))


def with_room(
    y: Array, window: tuple[int, ...], geometry: Geometry, counts: tuple[int, ...]
) -> tuple[Array, tuple[int, ...]]:
    """`y` between as many zeros as all offsets need, and how many are before it."""
    pads = []
    for axis, count in enumerate(counts):
        phases = range(geometry.stride[axis])
        found = [o for p in phases for _, o in _offsets(axis, window[axis], geometry, p)]
        behind = max(found) + count - y.shape[1 + axis]
        pads.append((max(-min(found), 0), max(behind, 0)))
    return padded(y, tuple(pads)), tuple(before for before, _ in pads)


def offsets(
    window: tuple[int, ...],
    geometry: Geometry,
    phase: tuple[int, ...],
    before: tuple[int, ...],
) -> list[list[tuple[int, int]]]:
    """For each axis, elements of a window that see what has a remainder by the stride.

    Each with the first of the places that do so, after so many that stand before them.
    """
    return [
        [(i, place + before[axis]) for i, place in _offsets(axis, size, geometry, phase[axis])]
        for axis, size in enumerate(window)
    ]


def _offsets(axis: int, size: int, geometry: Geometry, phase: int) -> list[tuple[int, int]]:
    stride, dilation = geometry.stride[axis], geometry.dilation[axis]
    places = (divmod(phase + geometry.padding[axis] - dilation * i, stride) for i in range(size))
    return [(i, place) for i, (place, rest) in enumerate(places) if rest == 0]


def interleaved(
    phases: list[Array], stride: tuple[int, ...], space: tuple[int, ...]
) -> Float[Array, "batch *space channels"]:
    """Parts at each remainder by the stride, the last axis fastest, as the whole they are of."""
    if len(phases) == 1:
        return phases[0]
    axes = len(stride)
    batch, *counts, channels = phases[0].shape
    stacked = jnp.stack(phases, 1).reshape(batch, *stride, *counts, channels)
    places, steps = range(1 + axes, 1 + 2 * axes), range(1, 1 + axes)
    order = [axis for pair in zip(places, steps, strict=True) for axis in pair]
    laid = stacked.transpose(0, *order, 1 + 2 * axes)
    sizes = [n * s for n, s in zip(counts, stride, strict=True)]
    return strided(laid.reshape(batch, *sizes, channels), [0] * axes, space, (1,) * axes)
