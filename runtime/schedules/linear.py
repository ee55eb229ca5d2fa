"""A straight line.

start + (stop - start) p,   p the share of the way
"""

from jaxtyping import Array, Float

from lab.runtime.schedule import Schedule
from lab.spec.declare import component, parameter


@component("linear", kind="schedule", facts="lab.runtime.facts.schedules:linear")
class Linear(Schedule):
    """From `start` to `stop`: start + (stop - start) p.

    Example:
        >>> round(float(Linear(start=1.0, stop=0.0).at(0.25)), 2)
        0.75
    """

    start: float = parameter(doc="value at the beginning", traced=True, positional=True)
    stop: float = parameter(doc="value at the end", traced=True, positional=True)

    def at(self, progress: Float[Array, ""]) -> Float[Array, ""]:
        """The value at a share of the way."""
        return self.start + (self.stop - self.start) * progress
