"""Group lasso over output channels: whole filters are drawn to zero (Wen et al. 2016, section 3.1).

    loss = sum over tensors, sum over output channels o of ||w[o]||_2

arXiv 1608.03665. It acts on the weights that the network computes with, quantized ones where they
are quantized. At zero the norm has no derivative; here it is zero there, and nothing is undefined.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from lab.runtime import patterns
from lab.runtime.loss import Loss
from lab.runtime.reparameterization import Weights
from lab.spec.declare import component, parameter


@component(
    "group_lasso_channels", kind="loss", facts="lab.runtime.facts.training:nothing_more", curves=()
)
class GroupLassoChannels(Loss):
    """The sum of the norms of all output channels.

    Example:
        >>> weights = {"w": jnp.array([[3.0, 4.0], [0.0, 0.0]])}
        >>> float(GroupLassoChannels().of_weights(weights, start=weights))
        5.0
    """

    within: tuple[str, ...] = parameter(("**",), "patterns of the weights it acts on", name="in")

    def of_weights(self, weights: Weights, *, start: Weights) -> Float[Array, ""]:
        """The sum over channels and tensors."""
        del start
        chosen = patterns.choose(weights, self.within)
        return jnp.sum(jnp.stack([jnp.sum(channel_norms(weights[path])) for path in chosen]))


def channel_norms(weights: Float[Array, "channels ..."]) -> Float[Array, " channels"]:
    """The Euclidean norm of every output channel, with a gradient of zero at zero."""
    squares = jnp.sum(jnp.square(weights), axis=tuple(range(1, weights.ndim)))
    alive = squares > 0
    return jnp.where(alive, jnp.sqrt(jnp.where(alive, squares, 1.0)), 0.0)
