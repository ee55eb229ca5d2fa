"""What training cost in passes of the network: forward 1, backward 2, counted as they were run."""

from collections.abc import Mapping, Sequence
from typing import Literal

from lab.runtime.work import Measurement, Work
from lab.spec.declare import Arm, component, parameter

#: A backward pass makes gradients of inputs and of weights: two products for each one forward.
BACKWARD = 2


@component(
    "passes",
    kind="measurement",
    unit="number",
    better="lower",
    facts="lab.runtime.facts.measurements:read",
)
class Passes(Measurement):
    """Examples run forward, plus twice those run backward, in all trainings of an arm.

    Examples that a selector only scores count forward; a teacher's and an evaluation's do not.
    """

    of: Arm = parameter(None, "the arm that is measured", positional=True)
    kind: Literal["all", "forward", "backward"] = parameter("all", "which passes to count")

    def measure(self, work: Work) -> Mapping[str, float | Sequence[float]]:
        """What the stages noted; no training, no passes."""
        notes = work.inputs["of"].notes
        forward = float(notes.get("total_forwards", 0))
        backward = float(notes.get("total_backwards", 0))
        both = forward + BACKWARD * backward
        value = {"all": both, "forward": forward, "backward": backward}[self.kind]
        return {"value": value, "forward": forward, "backward": backward}
