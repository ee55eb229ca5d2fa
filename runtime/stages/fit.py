"""Fit a reparameterization to the weights that the stage before ships; no data is needed."""

from collections.abc import Generator
from dataclasses import replace

import numpy as np

from lab.runtime import fitting
from lab.runtime.artifact import Artifact, reparametrize, shipped_weights
from lab.runtime.asking import Answer, Ask, Stepped
from lab.runtime.durations import whole_steps
from lab.runtime.errors import UnsuitableSetting
from lab.runtime.explained import explained_notes
from lab.runtime.loss import Loss
from lab.runtime.losses.reconstruction import Reconstruction
from lab.runtime.objective import objective_of
from lab.runtime.optimizer import Optimizer
from lab.runtime.optimizers.adam import Adam
from lab.runtime.reparameterization import Reparameterization
from lab.runtime.work import Work
from lab.spec.declare import component, parameter
from lab.spec.units import Duration


@component(
    "fit",
    kind="stage",
    streams=("init", "batches"),
    facts="lab.runtime.facts.stages:fit",
    curves=("step", "loss", "r2"),
    notes=("r2",),
)
class Fit(Stepped):
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

    def going(self, work: Work) -> Generator[Ask, Answer, Artifact]:
        """Fit, and keep the way there as history and R² as a note."""
        if not isinstance(self.loss, Reconstruction):
            raise UnsuitableSetting("`fit` sees no data: its loss is `reconstruction`")
        if self.duration.unit != "steps":
            raise UnsuitableSetting(
                f"`fit` sees no data: it lasts so many steps, and not {self.duration.unit}"
            )
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
        split, history = yield from fitting.going(
            fit,
            begun.split,
            target,
            key=work.stream("batches"),
            progress=work.progress,
            checkpoints=work.checkpoints,
        )
        made = replace(begun, split=split, history=history)
        return replace(made, notes={**made.notes, **explained_notes(made, before)})
