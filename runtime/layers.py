"""Layers whose parameters have torch's names, layouts and first values.

Weights are called `weight` and `bias`, statistics `running_mean` and `running_var`; a kernel is
(outputs, inputs, rows, columns), a linear map (outputs, inputs). A checkpoint made in torch then
loads by name, and a method sees the tensors that its paper talks about.

Layers compute in the type of their weights, so that weights in bfloat16 make products and
activations in bfloat16; statistics of a batch are in float32 all the same.
"""

import math

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from lab.runtime.convolution import convolve

BATCH_NORM_MOMENTUM = 0.1
BATCH_NORM_EPSILON = 1e-5


def he_uniform(key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Variance `2 / fan_in`, for a ReLU behind it (He et al. 2015, arXiv 1502.01852, eq. 10).

    Uniform and not normal: the same variance, and a program that compiles seven times as fast.
    """
    bound = (6 / math.prod(shape[1:])) ** 0.5
    return jax.random.uniform(key, shape, minval=-bound, maxval=bound)


class Convolution(nnx.Module):
    """A square convolution without bias."""

    def __init__(
        self, inputs: int, outputs: int, *, size: int, stride: int, padding: int, rngs: nnx.Rngs
    ) -> None:
        self.stride, self.padding = stride, padding
        self.weight = nnx.Param(he_uniform(rngs.params(), (outputs, inputs, size, size)))

    def __call__(self, images: Float[Array, "n h w i"]) -> Float[Array, "n h2 w2 o"]:
        """The filtered images."""
        kernel = self.weight[...]
        return convolve(
            images.astype(kernel.dtype), kernel, stride=self.stride, padding=self.padding
        )


class Linear(nnx.Module):
    """`x Wᵀ + b`."""

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs) -> None:
        bound = inputs**-0.5
        self.weight = nnx.Param(he_uniform(rngs.params(), (outputs, inputs)))
        self.bias = nnx.Param(
            jax.random.uniform(rngs.params(), (outputs,), minval=-bound, maxval=bound)
        )

    def __call__(self, features: Float[Array, "n i"]) -> Float[Array, "n o"]:
        """The mapped features."""
        weight = self.weight[...]
        return features.astype(weight.dtype) @ weight.T + self.bias[...].astype(weight.dtype)


class BatchNorm(nnx.Module):
    """Normalization over the batch (Ioffe and Szegedy 2015, arXiv 1502.03167), as torch does it.

    In training, `y = (x - mean) / sqrt(variance + eps) · weight + bias` with the batch's mean and
    *biased* variance; the running statistics move by a tenth towards the mean and the *unbiased*
    variance. Otherwise the running statistics normalize.
    """

    def __init__(self, channels: int) -> None:
        self.weight = nnx.Param(jnp.ones(channels))
        self.bias = nnx.Param(jnp.zeros(channels))
        self.running_mean = nnx.BatchStat(jnp.zeros(channels))
        self.running_var = nnx.BatchStat(jnp.ones(channels))

    def __call__(
        self, features: Float[Array, "n h w c"], *, train: bool
    ) -> Float[Array, "n h w c"]:
        """The normalized features; in training the running statistics move."""
        mean, variance = self._batch_statistics(features) if train else self._running_statistics()
        scale = self.weight[...] * jax.lax.rsqrt(variance + BATCH_NORM_EPSILON)
        return (features * scale + (self.bias[...] - mean * scale)).astype(features.dtype)

    def _running_statistics(self) -> tuple[Array, Array]:
        return self.running_mean[...], self.running_var[...]

    def _batch_statistics(self, features: Array) -> tuple[Array, Array]:
        # Both sums in one pass over memory. The running mean is near the batch's, so that squares
        # around it lose nothing to cancellation.
        around = jax.lax.stop_gradient(self.running_mean[...])
        centered = features - around
        offset = jnp.mean(centered, axis=(0, 1, 2))
        square = jnp.mean(jnp.square(centered), axis=(0, 1, 2))
        variance = jnp.maximum(square - jnp.square(offset), 0)
        mean = around + offset
        count = features.size // features.shape[-1]
        self._move(mean, variance * (count / max(count - 1, 1)))
        return mean, variance

    def _move(self, mean: Array, variance: Array) -> None:
        for running, now in ((self.running_mean, mean), (self.running_var, variance)):
            kept = running[...] * (1 - BATCH_NORM_MOMENTUM)
            running[...] = kept + BATCH_NORM_MOMENTUM * jax.lax.stop_gradient(now)
