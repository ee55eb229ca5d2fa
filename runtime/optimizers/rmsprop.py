"""RMSprop (Tieleman and Hinton 2012), as torch does it.

v = b v + (1 - b) g²,   w = w - lr g / (sqrt(v) + eps)
"""

import optax

from lab.runtime.optimizer import Optimizer
from lab.spec.declare import Schedule, component, parameter


@component("rmsprop", kind="optimizer", facts="lab.runtime.facts.training:one_moment")
class RMSprop(Optimizer):
    """Gradients over the root of their mean square.

    Example:
        >>> isinstance(RMSprop(lr=1e-2).transform(total_steps=10), optax.GradientTransformation)
        True
    """

    lr: Schedule = parameter(1e-2, "learning rate", low=0, traced=True)
    b: float = parameter(0.99, "memory of the squares", low=0, below=1, traced=True)
    eps: float = parameter(1e-8, "added to the root", low=0, traced=True)

    def transform(
        self, *, total_steps: int, steps_per_epoch: float = 1
    ) -> optax.GradientTransformation:
        """The transformation for a stage of known length."""
        rate = self.rate(total_steps=total_steps, steps_per_epoch=steps_per_epoch)
        return optax.chain(
            optax.scale_by_rms(decay=self.b, eps=self.eps, eps_in_sqrt=False),
            optax.scale_by_learning_rate(rate),
        )
