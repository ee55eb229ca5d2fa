"""How far weights are from those that they shall be: the loss of a fit, which needs no data.

loss = mean over tensors of the mean of ((w - target) / sigma)²
"""

from jaxtyping import Array, Float, Int

from lab.runtime.errors import UnsuitableSetting
from lab.runtime.loss import Loss
from lab.spec.declare import component


@component("reconstruction", kind="loss")
class Reconstruction(Loss):
    """Squared distance of the weights from those before, in units of each tensor's spread."""

    def per_example(
        self, logits: Float[Array, "batch classes"], labels: Int[Array, " batch"]
    ) -> Float[Array, " batch"]:
        """There are no examples in it."""
        raise UnsuitableSetting(
            "`reconstruction` compares weights and not predictions: use it in `fit`, or train with "
            "`task`"
        )
