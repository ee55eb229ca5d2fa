"""The share of the weights' variance that a fit explains."""

from collections.abc import Mapping, Sequence

from lab.runtime.work import Measurement, Work
from lab.spec.declare import Arm, component, parameter


@component("r2", kind="measurement", unit="number", better="higher")
class R2(Measurement):
    """R² of the fitted weights, averaged by size; 1 where the last stage fitted nothing."""

    of: Arm = parameter(None, "the arm that is measured", positional=True)

    def measure(self, work: Work) -> Mapping[str, float | Sequence[float]]:
        """What the fit noted."""
        return {"value": float(work.inputs["of"].notes.get("r2", 1.0))}
