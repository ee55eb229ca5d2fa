"""AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101, alg. 2).

    w = w - lr (m' / (sqrt(v') + eps) + decay w)

The decay is no part of the gradient: an L2 term in the loss would be divided by sqrt(v').
"""

import optax

from lab.runtime.optimizer import Optimizer
from lab.spec.declare import Schedule, component, parameter


@component("adamw", kind="optimizer", facts="lab.runtime.facts.training:two_moments")
class AdamW(Optimizer):
    """Adam with decoupled weight decay, scaled by the learning rate as in torch.

    Example:
        >>> isinstance(AdamW(decay=0.1).transform(total_steps=10), optax.GradientTransformation)
        True
    """

    lr: Schedule = parameter(1e-3, "learning rate", low=0, traced=True)
    decay: float = parameter(0.01, "share of a weight lost per unit of rate", low=0, traced=True)
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
            optax.add_decayed_weights(self.decay),
            optax.scale_by_learning_rate(rate),
        )
