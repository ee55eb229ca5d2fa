"""A perceptron with hidden layers: the smallest network worth compressing.

    h_0 = x,   h_i = drop(relu(W_i h_(i-1) + b_i)),   logits = W h + b

Bytes are read as intensities in 0 … 1; an image is taken as a vector. In training, `drop` makes a
unit zero with the given probability and scales the others up (Srivastava et al. 2014, section 10).
"""

from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from lab.runtime.layers import Linear
from lab.runtime.model import NativeModel
from lab.runtime.patterns import Parts
from lab.spec.declare import File, Share, component, parameter


class Network(nnx.Module):
    """The whole network, from images to logits."""

    def __init__(self, sizes: tuple[int, ...], *, dropout: float, rngs: nnx.Rngs) -> None:
        pairs = pairwise(sizes)
        self.dropout = dropout
        self.layers = nnx.List([Linear(a, b, rngs=rngs) for a, b in pairs])

    def __call__(
        self,
        images: Shaped[Array, "n ..."],
        *,
        train: bool,
        keys: PRNGKeyArray | None = None,
    ) -> Float[Array, "n k"]:
        """Logits of raw images; in training, and given keys of the examples, units drop out."""
        scale = 1 / 255 if images.dtype == jnp.uint8 else 1.0
        x = images.reshape(len(images), -1).astype(jnp.float32) * scale
        *hidden, last = self.layers
        for place, layer in enumerate(hidden):
            x = jax.nn.relu(layer(x))
            if train and keys is not None:
                x = x * _kept(keys, place, x.shape[1], self.dropout).astype(x.dtype)
        return last(x)


def _kept(keys: PRNGKeyArray, place: int, units: int, dropout: float) -> Float[Array, "n units"]:
    """What each unit is multiplied with: each example's own draw, however a batch is cut."""

    def drawn(key: PRNGKeyArray) -> Array:
        kept = jax.random.bernoulli(jax.random.fold_in(key, place), 1 - dropout, (units,))
        return kept / (1 - dropout)

    return jax.vmap(drawn)(keys)


@component("mlp", kind="model", streams=("init",), facts="lab.runtime.facts.models:mlp")
class MLP(NativeModel):
    """A perceptron with `layers` hidden layers.

    Example:
        >>> shapes, _ = MLP(width=32, layers=1).shapes()
        >>> shapes["layers.0.weight"]
        (32, 64)
    """

    width: int = parameter(128, "units of a hidden layer", low=1)
    layers: int = parameter(2, "hidden layers", low=0)
    inputs: int = parameter(64, "numbers in an image", low=1)
    classes: int = parameter(10, "classes to tell apart; 1 to find a number", low=1)
    dropout: Share = parameter(
        0.0, "share of hidden units dropped in training", low=0, below=1, legacy=0.0
    )
    weights: File | None = parameter(None, "checkpoint to start from (.safetensors, .th, .pt)")

    @property
    def parts(self) -> Parts:
        """The first layer and the last one, which may be the same."""
        return {"stem": ("layers.0.*",), "head": (f"layers.{self.layers}.*",)}

    @property
    def draws_in_training(self) -> bool:
        """Whether units are dropped."""
        return self.dropout > 0

    @property
    def input_shape(self) -> tuple[int, ...]:
        """A vector; images of as many numbers are flattened."""
        return (self.inputs,)

    def build(self, rngs: nnx.Rngs) -> nnx.Module:
        """The network, its parameters drawn anew."""
        sizes = (self.inputs, *[self.width] * self.layers, self.classes)
        return Network(sizes, dropout=self.dropout, rngs=rngs)
