"""The share of the weights' variance that a method keeps."""

from collections.abc import Mapping, Sequence

from lab.runtime.work import Measurement, Work
from lab.spec.declare import Arm, component, parameter


@component(
    "r2",
    kind="measurement",
    unit="number",
    better="higher",
    facts="lab.runtime.facts.measurements:read",
    reads="r2",
)
class R2(Measurement):
    """R² of the weights behind the last stage's method, averaged by size.

    It does not apply to an arm that ends with training, or with weights as they were.
    """

    of: Arm = parameter(None, "the arm that is measured", positional=True)

    def measure(self, work: Work) -> Mapping[str, float | Sequence[float]]:
        """What the stage noted of what it ships."""
        notes = work.inputs["of"].notes
        return {"value": float(notes["r2"])} if "r2" in notes else {}
