"""Lion: the sign of a momentum, with decoupled decay (Chen et al. 2023, arXiv 2302.06675, alg. 2).

w = w - lr (sign(b1 m + (1 - b1) g) + decay w),   m = b2 m + (1 - b2) g
"""

import optax

from lab.runtime.optimizer import Optimizer
from lab.spec.declare import Schedule, component, parameter


@component("lion", kind="optimizer", facts="lab.runtime.facts.training:one_moment")
class Lion(Optimizer):
    """Sign descent with two memories; rates a third to a tenth of Adam's.

    Example:
        >>> isinstance(Lion(lr=1e-4).transform(total_steps=10), optax.GradientTransformation)
        True
    """

    lr: Schedule = parameter(1e-4, "learning rate", low=0, traced=True)
    decay: float = parameter(0.0, "share of a weight lost per unit of rate", low=0, traced=True)
    b1: float = parameter(0.9, "memory in the step", low=0, below=1, traced=True)
    b2: float = parameter(0.99, "memory that is kept", low=0, below=1, traced=True)

    def transform(
        self, *, total_steps: int, steps_per_epoch: float = 1
    ) -> optax.GradientTransformation:
        """The transformation for a stage of known length."""
        rate = self.rate(total_steps=total_steps, steps_per_epoch=steps_per_epoch)
        return optax.chain(
            optax.scale_by_lion(b1=self.b1, b2=self.b2),
            optax.add_decayed_weights(self.decay),
            optax.scale_by_learning_rate(rate),
        )
