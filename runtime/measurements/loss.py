"""The mean cross-entropy or squared error of a model rebuilt from its file."""

from collections.abc import Mapping, Sequence
from typing import Literal

import jax.numpy as jnp

from lab.runtime import scoring
from lab.runtime.dataset import Data
from lab.runtime.losses.task import Task
from lab.runtime.measuring import examples_of, measured
from lab.runtime.work import Measurement, Work
from lab.spec.declare import Arm, component, parameter


@component(
    "loss",
    kind="measurement",
    unit="number",
    better="lower",
    fresh=True,
    facts="lab.runtime.facts.measurements:scored",
)
class MeasuredLoss(Measurement):
    """Mean cross-entropy with the labels, in nats; mean squared error where labels are numbers."""

    of: Arm = parameter(None, "the arm that is measured", positional=True)
    on: Literal["test", "validation", "train"] = parameter("test", "the split scored")
    data: Data | None = parameter(None, "the examples; the point's where left out")

    def measure(self, work: Work) -> Mapping[str, float | Sequence[float]]:
        """Score the whole split, in evaluation mode and without augmentation."""
        model, params, buffers = measured(work)
        examples = examples_of(self.data, self.on)
        logits = scoring.logits(model, params, buffers, examples.inputs)
        losses = Task().per_example(jnp.asarray(logits), jnp.asarray(examples.labels))
        return {"value": float(losses.mean()), "examples": len(losses)}
