"""When a training stops before its end: what it watches, and the rule.

What is watched is a metric of the network as it stands, measured on the validation split unless the
study says otherwise: early stopping on test examples would make their number a training result.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from lab.spec.declare import Metric


class Stopping(ABC):
    """A rule. Final classes are components, one file each."""

    #: What has to improve: a measurement, or arithmetic over measurements.
    of: Metric

    @abstractmethod
    def is_over(
        self, seen: Sequence[float], steps: Sequence[int], *, total_steps: int, per_epoch: int
    ) -> bool:
        """Whether to stop, from what was seen after how many steps; higher is better."""
