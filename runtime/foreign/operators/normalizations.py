"""Normalization over batches, layers and groups. Statistics are computed in float32."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from lab.runtime.foreign.operators.common import ranked, widened
from lab.runtime.lowerings.standard import standardized, statistics


def batch_norm(
    x: Float[Array, "batch channels *space"],
    *given: Any,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Array, ...]:
    """Normalization over the batch: the result, what normalized it, and the statistics moved.

    `given` are weight, bias, running mean and running variance. In training the batch's mean and
    biased variance normalize, and the running statistics move towards the mean and the unbiased
    variance.
    """
    weight, bias, mean, variance = given
    moved = (mean, variance)
    if training:
        mean, variance, unbiased = _batch_statistics(x)
        moved = tuple(
            running if running is None else running * (1 - momentum) + momentum * now
            for running, now in zip(moved, lax.stop_gradient((mean, unbiased)), strict=True)
        )
    inverse = lax.rsqrt(variance + eps)
    return _normalized(x, mean, inverse, (weight, bias)), mean, inverse, *moved


def _batch_statistics(x: Array) -> tuple[Array, Array, Array]:
    """Mean, biased and unbiased variance, both sums in one pass over memory.

    The mean of the first example is near the batch's, so that squares around it lose little to
    cancellation.
    """
    axes = (0, *range(2, x.ndim))
    wide = widened(x)
    around = lax.stop_gradient(jnp.mean(wide[:1], axes))
    centered = wide - _over_channels(around, x.ndim)
    offset = jnp.mean(centered, axes)
    biased = jnp.maximum(jnp.mean(jnp.square(centered), axes) - jnp.square(offset), 0)
    count = x.size // x.shape[1]
    return around + offset, biased, biased * (count / max(count - 1, 1))


def _normalized(x: Array, mean: Array, inverse: Array, affine: tuple[Any, Any]) -> Array:
    weight, bias = affine
    scale = inverse if weight is None else inverse * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    y = x * _over_channels(scale, x.ndim) + _over_channels(shift, x.ndim)
    return y.astype(x.dtype)


def _over_channels(array: Array, rank: int) -> Array:
    return jnp.reshape(array, (1, -1) + (1,) * (rank - 2))


def batch_norm_in_evaluation(x: Array, *given: Any, momentum: float, eps: float) -> tuple:
    """Normalization by the running statistics."""
    y, *_ = batch_norm(x, *given, training=False, momentum=momentum, eps=eps)
    nothing = jnp.zeros(0, float)
    return y, nothing, nothing


def batch_norm_without_statistics(
    x: Array, weight: Any, bias: Any, *, training: bool, momentum: float, eps: float
) -> tuple:
    """Normalization by the batch, where none are kept."""
    del training
    return batch_norm(x, weight, bias, None, None, training=True, momentum=momentum, eps=eps)[:3]


def layer_norm(
    x: Array,
    weight: Any = None,
    bias: Any = None,
    *,
    normalized_shape: Sequence[int],
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Array:
    """Normalization over the last axes (Ba et al. 2016, arXiv 1607.06450)."""
    del cudnn_enable
    return native_layer_norm(x, weight, bias, normalized_shape=normalized_shape, eps=eps)[0]


def native_layer_norm(
    x: Array, weight: Any = None, bias: Any = None, *, normalized_shape: Sequence[int], eps: float
) -> tuple[Array, Array, Array]:
    """`layer_norm`, with the mean and the inverse deviation."""
    axes = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    wide = widened(x)
    y = _affine(standardized(wide, axes, eps), weight, bias).astype(x.dtype)
    return y, *statistics(wide, axes, eps)


def _affine(y: Array, weight: Any, bias: Any) -> Array:
    y = y if weight is None else y * ranked(weight, y.ndim)
    return y if bias is None else y + ranked(bias, y.ndim)


def group_norm(
    x: Float[Array, "batch channels *space"],
    weight: Any = None,
    bias: Any = None,
    *,
    num_groups: int,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Float[Array, "batch channels *space"]:
    """Normalization over groups of channels (Wu and He 2018, arXiv 1803.08494)."""
    del cudnn_enabled
    grouped = jnp.reshape(widened(x), (x.shape[0], num_groups, -1))
    y = jnp.reshape(standardized(grouped, (2,), eps), x.shape)
    y = y if weight is None else y * _over_channels(weight, x.ndim)
    return (y if bias is None else y + _over_channels(bias, x.ndim)).astype(x.dtype)


def rms_norm(
    x: Array, weight: Any = None, *, normalized_shape: Sequence[int], eps: float | None = None
) -> Array:
    """Division by the root of the mean square (Zhang and Sennrich 2019, arXiv 1910.07467)."""
    axes = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    eps = float(jnp.finfo(x.dtype).eps) if eps is None else eps
    wide = widened(x)
    y = wide * lax.rsqrt(jnp.mean(jnp.square(wide), axes, keepdims=True) + eps)
    return _affine(y, weight, None).astype(x.dtype)


def instance_norm(x: Array, *given: Any, use_input_stats: bool, eps: float, **rest: Any) -> Array:
    """Normalization of every channel of every example by itself."""
    weight, bias, mean, variance = given
    if not use_input_stats:
        momentum = rest.get("momentum", 0.1)
        arguments = {"training": False, "momentum": momentum, "eps": eps}
        return batch_norm(x, weight, bias, mean, variance, **arguments)[0]
    return group_norm(x, weight, bias, num_groups=x.shape[1], eps=eps)


def vector_norm(
    x: Array, ord: float = 2, *, dim: Any = None, keepdim: bool = False, dtype: str | None = None
) -> Array:
    """`(Σ |x|^ord)^(1 / ord)` along axes; its gradient at zero is zero."""
    wide = jnp.abs(x.astype(dtype) if dtype else widened(x))
    axes = tuple(range(x.ndim)) if dim is None else dim
    axes = (axes,) if isinstance(axes, int) else tuple(axes)
    if abs(ord) == float("inf"):
        largest = jnp.max if ord > 0 else jnp.min
        return largest(wide, axes, keepdims=keepdim).astype(dtype or x.dtype)
    total = jnp.sum(wide**ord, axes, keepdims=keepdim)
    some = total > 0
    return jnp.where(some, jnp.where(some, total, 1) ** (1 / ord), 0).astype(dtype or x.dtype)


def norm_of_axes(x: Array, p: float | None = 2, dim: Any = None, keepdim: bool = False) -> Array:
    """`vector_norm` under its older name."""
    return vector_norm(x, 2 if p is None else p, dim=dim, keepdim=keepdim)


TABLE = {
    "_native_batch_norm_legit": batch_norm,
    "_native_batch_norm_legit.no_stats": batch_norm_without_statistics,
    "_native_batch_norm_legit_functional": batch_norm,
    "_native_batch_norm_legit_no_training": batch_norm_in_evaluation,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "layer_norm": layer_norm,
    "linalg_vector_norm": vector_norm,
    "native_layer_norm": native_layer_norm,
    "norm.ScalarOpt_dim": norm_of_axes,
    "rms_norm": rms_norm,
}
