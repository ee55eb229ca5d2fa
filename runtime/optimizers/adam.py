"""Adam (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1).

m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g²
w = w - lr m' / (sqrt(v') + eps),   m', v' corrected for their start at zero
"""

import optax

from lab.runtime.optimizer import Optimizer
from lab.spec.declare import Schedule, component, parameter


@component("adam", kind="optimizer", facts="lab.runtime.facts.training:two_moments")
class Adam(Optimizer):
    """Adam, without weight decay.

    Example:
        >>> isinstance(Adam(lr=1e-3).transform(total_steps=10), optax.GradientTransformation)
        True
    """

    lr: Schedule = parameter(1e-3, "learning rate", low=0, traced=True)
    b1: float = parameter(0.9, "memory of the gradients", low=0, below=1, traced=True)
    b2: float = parameter(0.999, "memory of their squares", low=0, below=1, traced=True)
    eps: float = parameter(1e-8, "added to the root", low=0, traced=True)

    def transform(
        self, *, total_steps: int, steps_per_epoch: float = 1
    ) -> optax.GradientTransformation:
        """The transformation for a stage of known length."""
        rate = self.rate(total_steps=total_steps, steps_per_epoch=steps_per_epoch)
        return optax.chain(
            optax.scale_by_adam(b1=self.b1, b2=self.b2, eps=self.eps),
            optax.scale_by_learning_rate(rate),
        )
