"""Stop when nothing has improved for a while (Prechelt 1998, "Early stopping - but when?", UP)."""

from collections.abc import Sequence

import numpy as np

from lab.runtime.durations import whole_steps
from lab.runtime.stopping import Stopping
from lab.spec.declare import Metric, component, parameter
from lab.spec.units import Duration


@component("patience", kind="stopping")
class Patience(Stopping):
    """Stop where the best value is older than the patience.

    Example:
        >>> rule = Patience(duration=Duration(2, "epochs"), of=None)
        >>> rule.is_over([0.5, 0.6, 0.6, 0.4], [10, 20, 30, 40], total_steps=100, per_epoch=10)
        True
    """

    duration: Duration = parameter(doc="how long without a gain", name="for", positional=True)
    of: Metric = parameter(doc="what has to improve")

    def is_over(
        self, seen: Sequence[float], steps: Sequence[int], *, total_steps: int, per_epoch: int
    ) -> bool:
        """Whether the first best value was seen that many steps ago."""
        if not seen:
            return False
        patience = whole_steps(self.duration, steps_per_epoch=per_epoch, total_steps=total_steps)
        return steps[-1] - steps[int(np.nanargmax(seen))] >= patience
