"""A power of the share that is left.

stop + (start - stop) (1 - p)^power,   p the share of the way
"""

from jaxtyping import Array, Float

from lab.runtime.schedule import Schedule
from lab.spec.declare import component, parameter


@component("polynomial", kind="schedule", facts="lab.runtime.facts.schedules:polynomial")
class Polynomial(Schedule):
    """From `start` to `stop`: stop + (start - stop) (1 - p)^power.

    Example:
        >>> round(float(Polynomial(start=1.0, stop=0.0, power=2.0).at(0.25)), 2)
        0.56
    """

    start: float = parameter(doc="value at the beginning", traced=True, positional=True)
    stop: float = parameter(doc="value at the end", traced=True, positional=True)
    power: float = parameter(2.0, "of the share that is left", above=0, traced=True)

    def at(self, progress: Float[Array, ""]) -> Float[Array, ""]:
        """The value at a share of the way."""
        return self.stop + (self.start - self.stop) * (1 - progress) ** self.power
