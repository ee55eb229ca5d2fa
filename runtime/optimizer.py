"""What every optimizer offers: a gradient transformation (optax) for a stage of known length."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import optax

from lab.runtime.schedule import Scheduled, lower
from lab.spec.declare import Schedule

#: A tree of group names in the shape of what is optimized.
Labels = Any


class Optimizer(ABC):
    """How gradients become steps. Final classes are components, one file each.

    Always holds: numbers that a study may sweep (`traced`) may be JAX tracers here.
    """

    #: The learning rate: a number, or a schedule's value. A class variable to whoever reads this
    #: text, because it is no parameter of an optimizer that does not declare it.
    lr: ClassVar[Schedule]

    def grouped(
        self, labels: Labels, *, total_steps: int, steps_per_epoch: float = 1
    ) -> optax.GradientTransformation:
        """The transformation of numbers with these group names: the same for all of them."""
        del labels
        return self.transform(total_steps=total_steps, steps_per_epoch=steps_per_epoch)

    @abstractmethod
    def transform(
        self, *, total_steps: int, steps_per_epoch: float = 1
    ) -> optax.GradientTransformation:
        """The transformation. Its state does not depend on traced numbers' values."""

    def rate(self, *, total_steps: int, steps_per_epoch: float = 1) -> Scheduled:
        """The learning rate as a function of the step."""
        return lower(self.lr, total_steps=total_steps, steps_per_epoch=steps_per_epoch)
