"""The cube of the share that is left, as magnitude pruning raises its sparsity.

    stop + (start - stop) (1 - p)³,   p the share of the way

Zhu and Gupta 2017, arXiv 1710.01878, section 3.
"""

from jaxtyping import Array, Float

from lab.runtime.schedule import Schedule
from lab.spec.declare import component, parameter


@component("cubic", kind="schedule", facts="lab.runtime.facts.schedules:cubic")
class Cubic(Schedule):
    """From `start` to `stop`, fast at first: stop + (start - stop) (1 - p)³.

    Example:
        >>> Cubic(start=0.0, stop=0.8).at(0.5)
        0.7000000000000001
    """

    start: float = parameter(doc="value at the beginning", traced=True, positional=True)
    stop: float = parameter(doc="value at the end", traced=True, positional=True)

    def at(self, progress: Float[Array, ""]) -> Float[Array, ""]:
        """The value at a share of the way."""
        return self.stop + (self.start - self.stop) * (1 - progress) ** 3
