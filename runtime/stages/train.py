"""Training with labels: every method here is this one stage with other plugs."""

from dataclasses import dataclass, field, replace
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from lab.runtime import registry, scoring, training
from lab.runtime.artifact import Artifact, reparameterization, reparametrize
from lab.runtime.dataset import Data, Dataset, Examples
from lab.runtime.durations import whole_steps
from lab.runtime.errors import Diverged, UnsuitableSetting
from lab.runtime.loss import Loss
from lab.runtime.losses.task import Task
from lab.runtime.model import Model
from lab.runtime.optimizer import Optimizer
from lab.runtime.optimizers.sgd import SGD
from lab.runtime.reparameterization import Reparameterization, Split
from lab.runtime.selector import Selector
from lab.runtime.selectors.all import All
from lab.runtime.starting import starting_point
from lab.runtime.work import Stage, Work
from lab.spec.declare import component, parameter
from lab.spec.units import Duration

#: Steps between two looks at the loss, where every step is a program of its own.
LOOK = 20


@component(
    "train",
    kind="stage",
    streams=("init", "batches", "augment"),
    facts="lab.runtime.facts.stages:train",
)
class Train(Stage):
    """Train on the training examples; without `through`, go on with what the stage before made."""

    model: Model | None = parameter(None, "the network; the point's where left out")
    data: Data | None = parameter(None, "the examples; the point's where left out")
    through: Reparameterization | None = parameter(
        None, "the weights as a function of other numbers, which are trained"
    )
    select: Selector = parameter(All(), "which examples are worth a backward pass")
    loss: Loss = parameter(Task(), "what is minimized")
    by: Optimizer = parameter(SGD(lr=0.1, momentum=0.9), "how gradients become steps")
    duration: Duration = parameter(Duration(15, "epochs"), "how long", name="for")
    batch: int = parameter(128, "examples in a step", low=1)
    average: float = parameter(
        0.0, "share of the weights' running average kept at a step; 0 for none", low=0, below=1
    )
    watch: Literal["validation", "test"] | None = parameter(
        None, "examples that the accuracy after every epoch is of"
    )

    def run(self, work: Work) -> Artifact:
        """Train, and keep the way there as history."""
        if self.data is None:
            raise UnsuitableSetting("training has no data: declare some, or give `data:`")
        return _Course.of(self, self._beginning(work), self.data.loaded(), work).run()

    def _beginning(self, work: Work) -> Artifact:
        before = work.inputs.get("before")
        if before is None:
            if self.model is None:
                raise UnsuitableSetting("training has no model: declare one, or give `model:`")
            before = starting_point(self.model, work)
        if self.through is None:
            return before
        return reparametrize(before, self.through, key=work.stream("init"))


@dataclass
class _Course:
    """One training: its recipe, its examples, and what it has seen so far."""

    stage: Train
    begin: Artifact
    dataset: Dataset
    work: Work
    recipe: training.Recipe
    watched: Examples | None
    history: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, stage: Train, begin: Artifact, dataset: Dataset, work: Work) -> "_Course":
        count = len(dataset.train.labels)
        batch = min(stage.batch, count)
        per_epoch = count // batch
        steps = whole_steps(stage.duration, steps_per_epoch=per_epoch, batch=batch)
        recipe = training.Recipe(
            model=registry.instantiate(begin.model),
            through=reparameterization(begin),
            select=stage.select,
            loss=stage.loss,
            by=stage.by,
            augment=stage.data.augment if stage.data else (),
            batch=batch,
            steps=steps,
            steps_per_epoch=per_epoch,
            average=stage.average,
        )
        watched = None if stage.watch is None else dataset.split(stage.watch)
        return cls(stage, begin, dataset, work, recipe, watched)

    def run(self) -> Artifact:
        recipe, begin = self.recipe, self.begin
        state = training.start(recipe, begin.split, dict(begin.rest), dict(begin.buffers))
        supply = self._supply()
        for first in range(0, recipe.steps, recipe.steps_per_epoch):
            length = min(recipe.steps_per_epoch, recipe.steps - first)
            state = self._epoch(state, supply, first, length)
        trainable, buffers = training.finished(recipe, state)
        return replace(
            begin,
            split=Split(trainable.split, begin.split.fixed),
            rest=trainable.rest,
            buffers=buffers,
            history=self.history,
            notes={"steps": recipe.steps},
        )

    def _supply(self) -> training.Supply:
        train = self.dataset.train
        return training.Supply(
            inputs=jnp.asarray(train.inputs),
            labels=jnp.asarray(train.labels),
            fixed=dict(self.begin.split.fixed),
            batches=self.work.stream("batches"),
            augment=self.work.stream("augment"),
            numbers=training.traced_numbers(self.recipe),
        )

    def _epoch(
        self, state: training.State, supply: training.Supply, first: int, length: int
    ) -> training.State:
        epoch = jnp.asarray(first // self.recipe.steps_per_epoch)
        order = training.epoch_order(supply.batches, epoch, count=len(supply.labels))
        chunk = length if training.loops_in_program(self.recipe.model) else 1
        advance = training.program(self.recipe, chunk)
        tallies: list[training.Tally] = []
        for done in range(0, length, chunk):
            state, tally = advance(state, supply, order)
            tallies.append(tally)
            if (done + chunk) % LOOK == 0 or done + chunk == length:
                self._look(first + done + chunk, tally, chunk)
        self._record(state, tallies, first + length)
        return state

    def _look(self, step: int, tally: training.Tally, chunk: int) -> None:
        loss = float(tally.loss) / chunk
        if not np.isfinite(loss):
            raise Diverged(
                f"the loss is {loss} at step {step} of {self.recipe.steps}; a smaller learning "
                "rate or a warm-up usually mends this"
            )
        self.work.progress(step, self.recipe.steps, {"loss": loss})

    def _record(self, state: training.State, tallies: list[training.Tally], step: int) -> None:
        total = jax.tree.map(lambda *parts: float(np.sum(np.asarray(parts))), *tallies)
        recipe = self.recipe
        steps = (step - 1) % recipe.steps_per_epoch + 1
        rate = recipe.by.rate(total_steps=recipe.steps, steps_per_epoch=recipe.steps_per_epoch)
        now = {
            "epoch": step / recipe.steps_per_epoch,
            "loss": total.loss / steps,
            "train_accuracy": total.correct / total.examples,
            "rate": float(rate(step - 1)),
        }
        if self.watched is not None:
            now[f"{self.stage.watch}_accuracy"] = self._accuracy(state, self.watched)
        for name, value in now.items():
            self.history.setdefault(name, []).append(value)
        self.work.progress(step, recipe.steps, now)

    def _accuracy(self, state: training.State, examples: Examples) -> float:
        trainable, buffers = training.finished(self.recipe, state)
        split = Split(trainable.split, dict(self.begin.split.fixed))
        through = self.recipe.through
        made = {} if through is None else through.materialize(split)
        params = {**trainable.rest, **made}
        return float(scoring.correct(self.recipe.model, params, buffers, examples).mean())
