"""Where a stage stands: the step, and what shares and epochs are counted in."""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Array, Float

from lab.runtime.schedule import Step, lower


@dataclass(frozen=True)
class Clock:
    """A step of a stage with so many steps in all; `step` may be traced."""

    step: Step
    total_steps: int
    steps_per_epoch: float = 1

    def value(self, schedule: Any) -> Float[Array, ""]:
        """A schedule's value now.

        Example:
            >>> float(Clock(step=3, total_steps=10).value(0.5))
            0.5
        """
        function = lower(
            schedule, total_steps=self.total_steps, steps_per_epoch=self.steps_per_epoch
        )
        return function(self.step)
