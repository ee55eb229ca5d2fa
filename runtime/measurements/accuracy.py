"""The share of examples whose largest logit is their label's, of a model rebuilt from its file."""

from collections.abc import Mapping, Sequence
from typing import Literal

from lab.runtime import scoring
from lab.runtime.dataset import Data
from lab.runtime.measuring import examples_of, measured
from lab.runtime.work import Measurement, Work
from lab.spec.declare import Arm, component, parameter


@component(
    "accuracy",
    kind="measurement",
    unit="share",
    better="higher",
    fresh=True,
    facts="lab.runtime.facts.measurements:scored",
)
class Accuracy(Measurement):
    """Share of examples that are classified right; `correct` says which."""

    of: Arm = parameter(None, "the arm that is measured", positional=True)
    on: Literal["test", "validation", "train"] = parameter("test", "the split scored")
    data: Data | None = parameter(None, "the examples; the point's where left out")

    def measure(self, work: Work) -> Mapping[str, float | Sequence[float]]:
        """Score the whole split, in evaluation mode and without augmentation."""
        model, params, buffers = measured(work)
        examples = examples_of(self.data, self.on)
        right = scoring.correct(model, params, buffers, examples)
        return {
            "value": float(right.mean()),
            "correct": right.astype(int).tolist(),
            "examples": len(right),
        }
