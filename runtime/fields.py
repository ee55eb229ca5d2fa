"""Fields: small networks that map the place of a weight in its tensor to its value.

    h_0 = gamma(c),   h_i = act(W_i h_(i-1) + b_i),   f(c) = W_(n+1) h_n + b_(n+1)

With the sine, act(x) = sin(w0 x), this is a SIREN (Sitzmann et al. 2020, arXiv 2006.09661, section
3.2); its weights start from U(±1/fan_in) in the first layer and U(±sqrt(6/fan_in)/w0) after it, its
biases from U(±1/sqrt(fan_in)). Other activations start from U(±sqrt(6/fan_in)) (He et al. 2015).

Points lie along the last axis, and fields of one shape may be stacked along the first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, UInt32

from lab.runtime.encoding import Encoding
from lab.runtime.executables import kept
from lab.runtime.sine import sine

Activation = Literal["sine", "relu", "gelu"]

_ACTIVATIONS: dict[Activation, Callable[[Array, Array | float], Array]] = {
    "sine": lambda x, w0: sine(w0 * x),
    "relu": lambda x, _: jax.nn.relu(x),
    "gelu": lambda x, _: jax.nn.gelu(x, approximate=False),
}


class Layer(NamedTuple):
    """An affine map; stacked fields have one more axis in front."""

    weight: Float[Array, "*tensors out in"]
    bias: Float[Array, "*tensors out"]


Field = tuple[Layer, ...]


@dataclass(frozen=True)
class Architecture:
    """The shape of a field. `w0` may be traced; the rest is static."""

    width: int
    layers: int
    activation: Activation
    encoding: Encoding | None
    w0: Array | float = field(metadata={"traced": True})

    def sizes(self, axes: int) -> tuple[int, ...]:
        """Numbers before and after each layer, for a tensor with so many axes."""
        features = axes if self.encoding is None else self.encoding.count(axes)
        return (features, *[self.width] * self.layers, 1)

    def start(self, axes: int, *, key: PRNGKeyArray) -> Field:
        """The numbers that a field starts from."""
        sizes = self.sizes(axes)
        keys = jax.random.split(key, 2 * len(sizes))
        made = []
        for place, (fan_in, out) in enumerate(pairwise(sizes)):
            weight_key, bias_key = keys[2 * place : 2 * place + 2]
            weight = _symmetric(weight_key, (out, fan_in), self._bound(place, fan_in))
            made.append(Layer(weight, _symmetric(bias_key, (out,), fan_in**-0.5)))
        return tuple(made)

    def features(
        self, coordinates: Float[Array, "*tensors axes points"]
    ) -> Float[Array, "*tensors features points"]:
        """What the first layer sees of points."""
        return coordinates if self.encoding is None else self.encoding.features(coordinates)

    def values(
        self, numbers: Field, features: Float[Array, "*tensors features points"]
    ) -> Float[Array, "*tensors points"]:
        """The field at points of these features, which stacked fields may share."""
        act = _ACTIVATIONS[self.activation]
        h = features
        for layer in numbers[:-1]:
            h = act(layer.weight @ h + layer.bias[..., None], self.w0)
        return (numbers[-1].weight @ h + numbers[-1].bias[..., None])[..., 0, :]

    def _bound(self, place: int, fan_in: int) -> Array | float:
        if self.activation != "sine":
            return np.sqrt(6 / fan_in)
        return 1 / fan_in if place == 0 else np.sqrt(6 / fan_in) / self.w0


def _symmetric(key: PRNGKeyArray, shape: tuple[int, ...], bound: Array | float) -> Array:
    return _drawn_within(key, bound if isinstance(bound, Array) else np.float32(bound), shape=shape)


@kept(static=("shape",))
def _drawn_within(
    key: PRNGKeyArray, bound: Float[Array, ""], *, shape: tuple[int, ...]
) -> Float[Array, "*shape"]:
    return jax.random.uniform(key, shape, minval=-1.0, maxval=1.0) * bound


def entries(path: str, numbers: Field) -> dict[str, Array]:
    """The numbers of a tensor's field by name, as a split keeps them."""
    return {
        f"{path}/{part}{place}": values
        for place, layer in enumerate(numbers)
        for part, values in zip(Layer._fields, layer, strict=True)
    }


def field_at(path: str, numbers: Mapping[str, Array], *, hidden: int) -> Field:
    """The field of a tensor, with so many hidden layers, from named numbers."""
    return tuple(
        Layer(*(numbers[f"{path}/{part}{place}"] for part in Layer._fields))
        for place in range(hidden + 1)
    )


def coordinates(
    index: Int[Array, "*tensors points"], shapes: Sequence[Sequence[int]] | np.ndarray
) -> Float[Array, "*tensors axes points"]:
    """Centers of the cells of [-1, 1]^axes that flat indices stand for, c = (2 i + 1) / n - 1.

    Args:
        index: flat, in row-major order.
        shapes: one of the tensors' shapes for each row of `index`; a single one for a 1-D `index`.
    """
    dims = np.asarray(shapes, np.int32)
    places = []
    for axis in reversed(range(dims.shape[-1])):
        count = dims[..., axis, None] if dims.ndim > 1 else dims[axis]
        index, place = _divided(index, count)
        places.append((2 * place.astype(jnp.float32) + 1) / np.float32(count) - 1)
    return jnp.stack(places[::-1], axis=-2)


def _divided(index: Int[Array, "..."], count: np.ndarray) -> tuple[Array, Array]:
    """Quotient and remainder, through floats: whole-number division does not vectorize."""
    quotient = jnp.floor(index.astype(jnp.float32) * (np.float32(1) / np.float32(count)))
    whole = quotient.astype(jnp.int32)
    rest = index - whole * count
    # The estimate is off by one at most while it is below 2^22.
    step = (rest >= count).astype(jnp.int32) - (rest < 0).astype(jnp.int32)
    return whole + step, rest - step * count


def drawn(key: PRNGKeyArray, counts: np.ndarray, points: int) -> Int[Array, "tensors points"]:
    """Indices drawn evenly below each count: the high word of a 32-bit number times the count."""
    bits: UInt32[Array, "tensors points"] = jax.random.bits(key, (len(counts), points), jnp.uint32)
    high, low = bits >> 16, bits & 0xFFFF
    top, bottom = np.uint32(counts >> 16)[:, None], np.uint32(counts & 0xFFFF)[:, None]
    middle = high * bottom + ((low * bottom) >> 16)
    carry = (low * top + (middle & 0xFFFF)) >> 16
    return (high * top + (middle >> 16) + carry).astype(jnp.int32)
