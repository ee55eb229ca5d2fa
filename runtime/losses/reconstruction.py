"""How far weights are from those that they shall be: the loss of a fit, which needs no data.

    loss = mean over tensors of the mean of ((w - target) / sigma)²

In a fit the target are the weights that the stage before ships; in a training, where it is one term
among others, those that the training began with.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from lab.runtime.loss import Loss
from lab.runtime.objective import relative_error
from lab.runtime.reparameterization import Weights
from lab.spec.declare import component


@component("reconstruction", kind="loss", curves=())
class Reconstruction(Loss):
    """Squared distance of the weights from those before, in units of each tensor's spread."""

    @property
    def needs_start(self) -> bool:
        """The weights before are what it compares with."""
        return True

    def of_weights(self, weights: Weights, *, start: Weights) -> Float[Array, ""]:
        """The mean over tensors; vectors of biases and norms are left alone."""
        tensors = [path for path, values in weights.items() if values.ndim >= 2]
        errors = [relative_error(weights[path], start[path]) for path in tensors]
        return jnp.mean(jnp.stack(errors)) if errors else jnp.zeros(())
