"""A perceptron with hidden layers: the smallest network worth compressing.

    h_0 = x,   h_i = relu(W_i h_(i-1) + b_i),   logits = W h + b

Bytes are read as intensities in 0 … 1; an image is taken as a vector.
"""

from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Shaped

from lab.runtime.layers import Linear
from lab.runtime.model import Model
from lab.spec.declare import File, component, parameter


class Network(nnx.Module):
    """The whole network, from images to logits."""

    def __init__(self, sizes: tuple[int, ...], *, rngs: nnx.Rngs) -> None:
        pairs = pairwise(sizes)
        self.layers = nnx.List([Linear(a, b, rngs=rngs) for a, b in pairs])

    def __call__(self, images: Shaped[Array, "n ..."], *, train: bool) -> Float[Array, "n k"]:
        """Logits of raw images; the same in training."""
        del train
        scale = 1 / 255 if images.dtype == jnp.uint8 else 1.0
        x = images.reshape(len(images), -1).astype(jnp.float32) * scale
        *hidden, last = self.layers
        for layer in hidden:
            x = jax.nn.relu(layer(x))
        return last(x)


@component("mlp", kind="model", streams=("init",), facts="lab.runtime.facts.models:mlp")
class MLP(Model):
    """A perceptron with `layers` hidden layers.

    Example:
        >>> shapes, _ = MLP(width=32, layers=1).shapes()
        >>> shapes["layers.0.weight"]
        (32, 64)
    """

    width: int = parameter(128, "units of a hidden layer", low=1)
    layers: int = parameter(2, "hidden layers", low=0)
    inputs: int = parameter(64, "numbers in an image", low=1)
    classes: int = parameter(10, "classes to tell apart", low=2)
    weights: File | None = parameter(None, "checkpoint to start from (.safetensors, .th, .pt)")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """A vector; images of as many numbers are flattened."""
        return (self.inputs,)

    def build(self, rngs: nnx.Rngs) -> nnx.Module:
        """The network, its parameters drawn anew."""
        sizes = (self.inputs, *[self.width] * self.layers, self.classes)
        return Network(sizes, rngs=rngs)
