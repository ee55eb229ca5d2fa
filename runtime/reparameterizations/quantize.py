"""Round to nearest: weights on a uniform grid, symmetric around zero.

    s = max |w| / Q,   Q = 2^(bits - 1) - 1,   q = clip(round(w / s), -Q, Q),   w_hat = s q

with one scale `s` for each output channel (the first axis) or for the tensor, so that
|w - w_hat| <= s / 2. The plainest post-training quantizer; Krishnamoorthi 2018, arXiv 1806.08342,
sections 2.1 and 3.1. Gradients go straight through the rounding, and the scale follows the weights:
training through it is quantization-aware.
"""

from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from lab.runtime import patterns
from lab.runtime.errors import UnsuitableWeights
from lab.runtime.patterns import NO_PARTS, Parts
from lab.runtime.reparameterization import (
    Packed,
    Reparameterization,
    Shapes,
    Split,
    Stream,
    Weights,
)
from lab.runtime.straight_through import straight_through
from lab.spec.declare import Bits, component, parameter


@component(
    "quantize",
    kind="reparameterization",
    stage="apply",
    facts="lab.runtime.facts.methods:quantize",
    curves=(),
)
class Quantize(Reparameterization):
    """Weights rounded to the nearest of `2^bits - 1` levels.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> method = Quantize(bits=2, per="tensor")
        >>> split = method.init({"w": jnp.array([[-1.0, 0.2, 0.9]])}, key=jax.random.key(0))
        >>> method.materialize(split)["w"].tolist()
        [[-1.0, 0.0, 1.0]]
    """

    bits: Bits = parameter(8, "bits of a weight", low=2, high=8, positional=True)
    per: Literal["channel", "tensor"] = parameter("channel", "what shares a scale")
    scales: Literal["float32", "float16"] = parameter("float32", "how scales are stored")
    within: tuple[str, ...] = parameter(("**",), "patterns of the weights to take", name="in")
    exclude: tuple[Literal["norms", "biases", "stem", "head"] | str, ...] = parameter(
        (), "patterns and words of those to leave as they are", name="except", legacy=()
    )
    min_size: int = parameter(0, "numbers that a weight has at least to be taken", low=0)

    def choose(self, weights: Weights, parts: Parts = NO_PARTS) -> tuple[str, ...]:
        """Tensors that the patterns stand for."""
        return patterns.choose(
            weights, self.within, min_size=self.min_size, leave_out=self.exclude, parts=parts
        )

    def init(self, weights: Weights, *, key: PRNGKeyArray) -> Split:
        """The weights, to be rounded on the way."""
        del key
        for path, values in weights.items():
            if not jnp.issubdtype(values.dtype, jnp.floating):
                raise UnsuitableWeights(f"{path} is {values.dtype}; only floats can be quantized")
        return Split(train=dict(weights), fixed={})

    def materialize(self, split: Split) -> dict[str, Array]:
        """Rounded weights, gradients straight through."""
        return {path: self._rounded_weight(values) for path, values in split.train.items()}

    def pack(self, split: Split) -> Packed:
        """Levels in `bits` bits, and the scales."""
        made = {}
        for path, values in split.train.items():
            levels, scales = self.levels(values)
            made[path] = {
                "levels": Stream(np.asarray(levels).astype(np.int8), self.bits),
                "scales": Stream(
                    np.asarray(scales).astype(self.scales), 32 if self.scales == "float32" else 16
                ),
            }
        return made

    def unpack(self, packed: Packed, shapes: Shapes) -> dict[str, np.ndarray]:
        """Levels times scales."""
        return {
            path: packed[path]["levels"].values.astype(np.float32).reshape(shape)
            * packed[path]["scales"].values.astype(np.float32)
            for path, shape in shapes.items()
        }

    def levels(
        self, values: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """Whole numbers from -Q to Q, and the scales that they are multiplied with."""
        top = 2.0 ** (self.bits - 1) - 1
        axes = tuple(range(1 if self.per == "channel" else 0, values.ndim))
        largest = jnp.max(jnp.abs(values), axis=axes, keepdims=True, initial=0.0)
        scales = jnp.where(largest > 0, largest / top, 1.0)
        if self.scales == "float16":
            scales = _half_from_above(scales)
        return jnp.clip(jnp.round(values / scales), -top, top), scales

    def _rounded_weight(self, values: Float[Array, "..."]) -> Float[Array, "..."]:
        levels, scales = self.levels(values)
        return straight_through(values, levels * scales)


def _half_from_above(scales: Float[Array, "..."]) -> Float[Array, "..."]:
    """The nearest half-precision number that is no smaller: levels then still reach the largest."""
    half = scales.astype(jnp.float16)
    up = jnp.nextafter(half, jnp.full_like(half, jnp.inf))
    return jnp.where(half.astype(scales.dtype) < scales, up, half).astype(scales.dtype)
