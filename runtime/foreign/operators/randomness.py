"""Operators that draw: each example's own numbers, however a batch is cut.

An example's key is folded with the operator's place in the graph. Where there are no keys nothing
is dropped: a share of kept units is then its expectation.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray


@dataclass(frozen=True)
class Draws:
    """What one operator draws with: the keys of the examples, its place, the axis of examples.

    The axis may be longer than there are examples, by a whole factor: what belongs to one example
    then stands side by side. Without an axis every example has the same draw.
    """

    keys: PRNGKeyArray | None
    place: int = 0
    axis: int | None = 0

    def kept(self, shape: tuple[int, ...], share: float) -> Array | None:
        """Whether each element is kept, which a share of all are; None where nothing is drawn."""
        return self._each(shape, lambda key, size: jax.random.bernoulli(key, share, size))

    def uniform(self, shape: tuple[int, ...]) -> Array | None:
        """Numbers in 0 … 1; None where nothing is drawn."""
        return self._each(shape, jax.random.uniform)

    def normal(self, shape: tuple[int, ...]) -> Array | None:
        """Standard normal numbers; None where nothing is drawn."""
        return self._each(shape, jax.random.normal)

    def _each(self, shape: tuple[int, ...], draw: Any) -> Array | None:
        if self.keys is None:
            return None
        if self.axis is None:
            return draw(jax.random.fold_in(self.keys[0], self.place), shape)
        moved = (shape[self.axis], *shape[: self.axis], *shape[self.axis + 1 :])
        one = (moved[0] // len(self.keys), *moved[1:])
        drawn = jax.vmap(lambda key: draw(jax.random.fold_in(key, self.place), one))(self.keys)
        return jnp.moveaxis(jnp.reshape(drawn, moved), 0, self.axis)


def dropped(x: Array, share: float, draws: Draws) -> Array:
    """`x` with a share of its elements zero, and the others larger by what that takes."""
    kept = draws.kept(x.shape, 1 - share) if share > 0 else None
    if kept is None:
        return x
    return x * (kept / max(1 - share, 1e-12)).astype(x.dtype)


def dropout(x: Array, p: float, train: bool | None = True, *, draws: Draws) -> Array:
    """Dropout of elements (Srivastava et al. 2014, section 10)."""
    return dropped(x, p, draws) if train is not False else x


def native_dropout(
    x: Array, p: float, train: bool | None = True, *, draws: Draws
) -> tuple[Array, Array]:
    """Dropout, with the elements that were kept."""
    kept = draws.kept(x.shape, 1 - p) if train is not False and p > 0 else None
    if kept is None:
        return x, jnp.ones(x.shape, bool)
    return x * (kept / max(1 - p, 1e-12)).astype(x.dtype), kept


def feature_dropout(x: Array, p: float, train: bool = True, *, draws: Draws) -> Array:
    """Dropout of whole channels."""
    if not train or p == 0:
        return x
    kept = draws.kept((*x.shape[:2], *(1,) * (x.ndim - 2)), 1 - p)
    return x if kept is None else x * (kept / max(1 - p, 1e-12)).astype(x.dtype)


def bernoulli(x: Array, p: float = 0.5, *, draws: Draws) -> Array:
    """One with a probability, else zero, in the shape of `x`; without keys, the probability."""
    kept = draws.kept(x.shape, p)
    return jnp.full(x.shape, p, x.dtype) if kept is None else kept.astype(x.dtype)


TABLE = {
    "bernoulli.p": bernoulli,
    "dropout": dropout,
    "feature_dropout": feature_dropout,
    "native_dropout": native_dropout,
}
