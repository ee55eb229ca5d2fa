"""Spearman's correlation of answers and labels that are numbers, of a model from its file."""

from collections.abc import Mapping, Sequence
from typing import Literal

from lab.runtime.dataset import Data
from lab.runtime.measuring import score_of
from lab.runtime.work import Measurement, Work
from lab.spec.declare import Arm, component, parameter


@component(
    "spearman",
    kind="measurement",
    unit="number",
    better="higher",
    fresh=True,
    facts="lab.runtime.facts.measurements:scored",
)
class Spearman(Measurement):
    """Spearman's rank correlation of the numbers that a model finds with the labels."""

    of: Arm = parameter(None, "the arm that is measured", positional=True)
    on: Literal["test", "validation", "train"] = parameter("test", "the split scored")
    data: Data | None = parameter(None, "the examples; the point's where left out")

    def measure(self, work: Work) -> Mapping[str, float | Sequence[float]]:
        """Score the whole split, in evaluation mode; `answers` and `labels` are kept."""
        return score_of("spearman", work, self.data, self.on)
