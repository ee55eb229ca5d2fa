"""Half a period of a cosine (Loshchilov and Hutter 2017, arXiv 1608.03983, eq. 5).

stop + (start - stop) (1 + cos(pi p)) / 2,   p the share of the way
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from lab.runtime.schedule import Schedule
from lab.spec.declare import component, parameter


@component("cosine", kind="schedule", facts="lab.runtime.facts.schedules:cosine")
class Cosine(Schedule):
    """From `start` to `stop`: stop + (start - stop) (1 + cos(pi p)) / 2.

    Example:
        >>> round(float(Cosine(start=1.0, stop=0.0).at(0.25)), 2)
        0.85
    """

    start: float = parameter(doc="value at the beginning", traced=True, positional=True)
    stop: float = parameter(doc="value at the end", traced=True, positional=True)

    def at(self, progress: Float[Array, ""]) -> Float[Array, ""]:
        """The value at a share of the way."""
        return self.stop + (self.start - self.stop) * (1 + jnp.cos(jnp.pi * progress)) / 2
