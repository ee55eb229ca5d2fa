"""Attention (Vaswani et al. 2017, arXiv 1706.03762, equation 1), as torch's one operator has it.

softmax(scale · q kᵀ + mask) v
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lab.runtime.foreign.operators.common import ranked, widened
from lab.runtime.foreign.operators.randomness import Draws, dropped
from lab.runtime.lowerings.averages import weighed_average


def attention(  # noqa: PLR0913 - as many as the operator has
    query: Float[Array, "*batch queries size"],
    key: Float[Array, "*batch keys size"],
    value: Float[Array, "*batch keys values"],
    attn_mask: Any = None,
    *,
    draws: Draws,
    dropout_p: float = 0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Float[Array, "*batch queries values"]:
    """Averages of values, weighed by how much keys are like the queries.

    A mask of truth values says which keys count, one of numbers is added. Where a query sees no
    key at all, the answer is zero.
    """
    if enable_gqa:
        key, value = (_repeated(one, query.shape[-3]) for one in (key, value))
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    scores = widened(jnp.matmul(query * scale, jnp.swapaxes(key, -1, -2)))
    mask = _mask(scores, attn_mask, is_causal=is_causal)
    if dropout_p > 0 and draws.keys is not None:
        weights = _weights(scores, mask).astype(value.dtype)
        return jnp.matmul(dropped(weights, dropout_p, draws), value)
    return _averages(scores, mask, value)


def _repeated(array: Array, heads: int) -> Array:
    return jnp.repeat(array, heads // array.shape[-3], axis=-3)


def _mask(scores: Array, given: Array | None, *, is_causal: bool) -> Array | None:
    if is_causal:
        return ranked(jnp.tri(*scores.shape[-2:], dtype=bool), scores.ndim)
    return None if given is None else ranked(given, scores.ndim)


def _weights(scores: Array, mask: Array | None) -> Array:
    masked, seen = _masked(scores, mask)
    weights = jax.nn.softmax(masked, axis=-1)
    return weights if seen is None else jnp.where(seen, weights, 0)


def _averages(scores: Array, mask: Array | None, value: Array) -> Array:
    """What `_weights` average, where none of them is dropped."""
    masked, seen = _masked(scores, mask)
    batch = jnp.broadcast_shapes(masked.shape[:-2], value.shape[:-2])
    masked, value = (jnp.broadcast_to(one, batch + one.shape[-2:]) for one in (masked, value))
    found = weighed_average(masked, value)
    return found if seen is None else jnp.where(seen, found, 0)


def _masked(scores: Array, mask: Array | None) -> tuple[Array, Array | None]:
    """Scores where keys count, and which queries see any; None where all do."""
    if mask is None:
        return scores, None
    if mask.dtype != jnp.bool_:
        return scores + mask.astype(scores.dtype), None
    seen = jnp.any(mask, axis=-1, keepdims=True)
    # Some score is a number even where nothing is seen, so that no gradient is not one.
    return jnp.where(mask | ~seen, scores, -jnp.inf), seen


RANDOM = {"scaled_dot_product_attention": attention}
