"""Stochastic gradient descent with momentum (Sutskever et al. 2013), as torch does it.

    g = g + decay w,   v = momentum v + g,   w = w - lr v      (nesterov: w - lr (g + momentum v))

The decay is *coupled*: an L2 term of the loss, which momentum carries on, as in torch's `SGD`.
"""

import optax

from lab.runtime.optimizer import Optimizer
from lab.spec.declare import Schedule, component, parameter


@component("sgd", kind="optimizer", facts="lab.runtime.facts.training:one_moment")
class SGD(Optimizer):
    """Gradient descent with momentum and coupled weight decay.

    Example:
        >>> isinstance(SGD(lr=0.1).transform(total_steps=10), optax.GradientTransformation)
        True
    """

    lr: Schedule = parameter(0.1, "learning rate", low=0, traced=True)
    momentum: float = parameter(0.0, "share of the velocity kept", low=0, below=1, traced=True)
    nesterov: bool = parameter(False, "look ahead along the velocity")
    decay: float = parameter(0.0, "weight of the L2 term", low=0, traced=True)

    def transform(
        self, *, total_steps: int, steps_per_epoch: float = 1
    ) -> optax.GradientTransformation:
        """The transformation for a stage of known length."""
        rate = self.rate(total_steps=total_steps, steps_per_epoch=steps_per_epoch)
        return optax.chain(
            optax.add_decayed_weights(self.decay),
            optax.trace(decay=self.momentum, nesterov=self.nesterov),
            optax.scale_by_learning_rate(rate),
        )
