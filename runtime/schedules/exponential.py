"""A constant factor at every step; both ends of one sign and not zero.

start (stop / start)^p,   p the share of the way
"""

from jaxtyping import Array, Float

from lab.runtime.schedule import Schedule
from lab.spec.declare import component, parameter


@component("exponential", kind="schedule", facts="lab.runtime.facts.schedules:exponential")
class Exponential(Schedule):
    """From `start` to `stop`: start (stop / start)^p.

    Example:
        >>> round(float(Exponential(start=1.0, stop=0.0625).at(0.25)), 2)
        0.5
    """

    start: float = parameter(doc="value at the beginning", traced=True, positional=True)
    stop: float = parameter(doc="value at the end", traced=True, positional=True)

    def at(self, progress: Float[Array, ""]) -> Float[Array, ""]:
        """The value at a share of the way."""
        return self.start * (self.stop / self.start) ** progress
