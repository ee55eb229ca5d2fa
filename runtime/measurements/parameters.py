"""How many numbers a model has, and how many of them a method may move."""

from collections.abc import Mapping, Sequence

from jaxtyping import Array

from lab.runtime.artifact import weights
from lab.runtime.work import Measurement, Work
from lab.spec.declare import Arm, component, parameter


@component(
    "parameters",
    kind="measurement",
    unit="number",
    better="lower",
    facts="lab.runtime.facts.measurements:read",
)
class Parameters(Measurement):
    """Numbers that training moves; `network` counts the weights that they stand for."""

    of: Arm = parameter(None, "the arm that is measured", positional=True)

    def measure(self, work: Work) -> Mapping[str, float | Sequence[float]]:
        """Count them."""
        artifact = work.inputs["of"]
        return {
            "value": _count(artifact.split.train) + _count(artifact.rest),
            "network": _count(weights(artifact)),
        }


def _count(arrays: Mapping[str, Array]) -> int:
    return sum(array.size for array in arrays.values())
