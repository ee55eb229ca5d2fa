"""What every loss offers: a number for each example, of its logits and its label."""

from abc import ABC, abstractmethod

from jaxtyping import Array, Float, Int


class Loss(ABC):
    """What is minimized. Final classes are components, one file each."""

    @abstractmethod
    def per_example(
        self, logits: Float[Array, "batch classes"], labels: Int[Array, " batch"]
    ) -> Float[Array, " batch"]:
        """The loss of every example. Traceable."""
