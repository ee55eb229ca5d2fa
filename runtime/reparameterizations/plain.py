"""Weights as themselves, 32 bits each: the case that every other method is compared with."""

import numpy as np
from jaxtyping import Array, PRNGKeyArray

from lab.runtime.reparameterization import (
    Packed,
    Reparameterization,
    Shapes,
    Split,
    Stream,
    Weights,
)
from lab.spec.declare import component


@component(
    "plain",
    kind="reparameterization",
    stage="apply",
    facts="lab.runtime.facts.methods:plain",
    curves=(),
)
class Plain(Reparameterization):
    """The weights themselves, in float32.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> split = Plain().init({"w": jnp.ones((2, 3))}, key=jax.random.key(0))
        >>> Plain().pack(split)["w"]["values"].bits
        32
    """

    def init(self, weights: Weights, *, key: PRNGKeyArray) -> Split:
        """The weights, all trained."""
        del key
        return Split(train=dict(weights), fixed={})

    def materialize(self, split: Split) -> dict[str, Array]:
        """What is trained."""
        return dict(split.train)

    def pack(self, split: Split) -> Packed:
        """Every weight in 32 bits."""
        return {
            path: {"values": Stream(np.asarray(values), 32)} for path, values in split.train.items()
        }

    def unpack(self, packed: Packed, shapes: Shapes) -> dict[str, np.ndarray]:
        """The streams are the weights."""
        return {path: packed[path]["values"].values for path in shapes}
