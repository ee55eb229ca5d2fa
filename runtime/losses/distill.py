"""Distillation: predictions drawn to those of another network (Hinton et al. 2015, 1503.02531).

    loss = T² KL(softmax(teacher / T) || softmax(logits / T))

T² keeps the gradient's size as T grows (section 2). The teacher sees the same augmented examples,
in evaluation mode, with its weights as they are shipped. Of networks that find a number it is the
squared distance of the two.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lab.runtime.loss import Logits, Loss, Targets
from lab.spec.declare import Arm, component, parameter


@component("distill", kind="loss", facts="lab.runtime.facts.training:a_teacher", curves=())
class Distill(Loss):
    """Divergence from a teacher's predictions.

    Example:
        >>> logits = jnp.array([[1.0, 2.0]])
        >>> float(Distill(source="wide").per_example(logits, jnp.array([0]), teacher=logits)[0])
        0.0
    """

    source: Arm = parameter(doc="the arm that teaches", name="from")
    temperature: float = parameter(1.0, "what logits are divided by", above=0, traced=True)

    @property
    def teacher(self) -> str | None:
        """The role of the arm."""
        return self.source

    def per_example(
        self, logits: Logits, targets: Targets, *, teacher: Logits | None = None
    ) -> Float[Array, " batch"]:
        """The divergence of every example."""
        del targets
        if teacher is None:
            raise TypeError("distillation needs the logits of a teacher")
        if logits.shape[1] == 1:
            return jnp.square(logits[:, 0] - teacher[:, 0])
        wanted = jax.nn.log_softmax(teacher / self.temperature)
        found = jax.nn.log_softmax(logits / self.temperature)
        divergence = jnp.sum(jnp.exp(wanted) * (wanted - found), axis=1)
        return self.temperature**2 * divergence
