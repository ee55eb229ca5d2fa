"""Fit a reparameterization to the weights that the stage before ships; no data is needed."""

from dataclasses import replace

import numpy as np

from lab.runtime import fitting
from lab.runtime.artifact import Artifact, reparametrize, shipped_weights
from lab.runtime.durations import whole_steps
from lab.runtime.errors import UnsuitableSetting
from lab.runtime.loss import Loss
from lab.runtime.losses.reconstruction import Reconstruction
from lab.runtime.objective import objective_of
from lab.runtime.optimizer import Optimizer
from lab.runtime.optimizers.adam import Adam
from lab.runtime.reparameterization import Reparameterization
from lab.runtime.work import Stage, Work
from lab.spec.declare import component, parameter
from lab.spec.units import Duration


@component("fit", kind="stage", streams=("init", "batches"))
class Fit(Stage):
    """Make weights that go through something as close as possible to the weights before."""

    through: Reparameterization = parameter(
        doc="the weights as a function of other numbers, which are fitted", positional=True
    )
    loss: Loss = parameter(Reconstruction(), "what is minimized")
    by: Optimizer = parameter(Adam(lr=1e-3), "how gradients become steps")
    duration: Duration = parameter(Duration(2000, "steps"), "how long", name="for")
    batch: int | None = parameter(
        None, "weights of each tensor in a step of a field; none for all", low=1
    )

    def run(self, work: Work) -> Artifact:
        """Fit, and keep the way there as history and R² as a note."""
        if not isinstance(self.loss, Reconstruction):
            raise UnsuitableSetting("`fit` sees no data: its loss is `reconstruction`")
        before = work.inputs["before"]
        begun = reparametrize(before, self.through, key=work.stream("init"))
        everything = shipped_weights(before)
        target = {path: everything[path] for path in begun.shapes}
        sizes = np.array([values.size for values in target.values()], np.float64)
        fit = fitting.Fit(
            objective=objective_of(self.through, target, batch=self.batch),
            by=self.by,
            steps=whole_steps(self.duration),
            importance=tuple(sizes / sizes.sum()),
        )
        split, history = fitting.run(
            fit, begun.split, target, key=work.stream("batches"), progress=work.progress
        )
        made = self.through.materialize(self.through.rounded(split))
        scores = {path: r2(np.asarray(made[path]), np.asarray(w)) for path, w in target.items()}
        notes = {f"r2:{path}": score for path, score in scores.items()}
        notes["r2"] = float(np.average(list(scores.values()), weights=sizes))
        return replace(begun, split=split, history=history, notes=notes)


def r2(made: np.ndarray, target: np.ndarray) -> float:
    """The share of a tensor's variance that is explained; of a constant one, 1 where it is met."""
    wanted = target.astype(np.float64)
    missed = float(np.sum((made - wanted) ** 2))
    there = float(np.sum((wanted - wanted.mean()) ** 2))
    if there:
        return 1 - missed / there
    return 1.0 if missed == 0 else 0.0
