"""F1 of a model rebuilt from its file: of class 1 of two, or averaged over more classes."""

from collections.abc import Mapping, Sequence
from typing import Literal

from lab.runtime.dataset import Data
from lab.runtime.measuring import score_of
from lab.runtime.work import Measurement, Work
from lab.spec.declare import Arm, component, parameter


@component(
    "f1",
    kind="measurement",
    unit="share",
    better="higher",
    fresh=True,
    facts="lab.runtime.facts.measurements:scored",
)
class F1(Measurement):
    """Harmonic mean of precision and recall: of class 1, or the mean over three classes or more."""

    of: Arm = parameter(None, "the arm that is measured", positional=True)
    on: Literal["test", "validation", "train"] = parameter("test", "the split scored")
    data: Data | None = parameter(None, "the examples; the point's where left out")

    def measure(self, work: Work) -> Mapping[str, float | Sequence[float]]:
        """Score the whole split, in evaluation mode; `answers` and `labels` are kept."""
        return score_of("f1", work, self.data, self.on)
