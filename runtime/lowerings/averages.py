"""Averages weighed by a softmax of scores, without the weights themselves.

With e = exp(scores - max) and l = Σ e, the average o = e v / l needs no array of e / l, and nor
does its gradient. Of what comes from behind, g:

    in v:       eᵀ (g / l)
    in scores:  e ∘ ((g / l) vᵀ - Σ (g / l) ∘ o)

so that the scores are gone over three times less than by the derivative of a softmax, whose sum is
over keys; here it is over the few elements of a value (Dao et al. 2022, arXiv 2205.14135, B.2).
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

Kept = tuple[Array, Array, Array, Array]


@jax.custom_vjp
def weighed_average(
    scores: Float[Array, "*batch queries keys"], values: Float[Array, "*batch keys size"]
) -> Float[Array, "*batch queries size"]:
    """`softmax(scores) values`, of the type of the values. Scores are at least float32."""
    return _forward(scores, values)[0]


def _forward(scores: Array, values: Array) -> tuple[Array, Kept]:
    highest = lax.stop_gradient(jnp.max(scores, -1, keepdims=True))
    exponentials = jnp.exp(scores - highest)
    sums = jnp.sum(exponentials, -1, keepdims=True)
    exponentials = exponentials.astype(values.dtype)
    total = jnp.matmul(exponentials, values, preferred_element_type=scores.dtype)
    found = (total / sums).astype(values.dtype)
    return found, (exponentials, sums, found, values)


def _backward(kept: Kept, gradient: Array) -> tuple[Array, Array]:
    exponentials, sums, found, values = kept
    share = gradient.astype(sums.dtype) / sums
    common = jnp.sum(share * found.astype(sums.dtype), -1, keepdims=True)
    share = share.astype(values.dtype)
    in_values = jnp.matmul(jnp.swapaxes(exponentials, -1, -2), share)
    alike = jnp.matmul(share, jnp.swapaxes(values, -1, -2), preferred_element_type=sums.dtype)
    return exponentials.astype(sums.dtype) * (alike - common), in_values


weighed_average.defvjp(_forward, _backward)
