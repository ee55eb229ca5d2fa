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
