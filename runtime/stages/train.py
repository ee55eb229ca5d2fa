"""Training with labels: every method here is this one stage with other plugs."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax

from lab.compiler.facts import Made, Method, Network, UnknownError
from lab.runtime import loss as losses
from lab.runtime import patterns, registry, scoring, training, watching
from lab.runtime.arithmetic import asking
from lab.runtime.artifact import (
    Artifact,
    reparameterization,
    reparametrize,
    shipped_weights,
    weights,
)
from lab.runtime.asking import Answer, Ask, Stepped
from lab.runtime.augmentation import beforehand
from lab.runtime.course import Course, Rules, within_memory
from lab.runtime.dataset import Data, Dataset
from lab.runtime.durations import whole_steps
from lab.runtime.errors import UnsuitableSetting
from lab.runtime.loss import Loss, Terms
from lab.runtime.losses.task import Task
from lab.runtime.model import Model
from lab.runtime.model import State as Arrays
from lab.runtime.optimizer import Optimizer
from lab.runtime.optimizers.sgd import SGD
from lab.runtime.recipe import Recipe, Supply, Trainable
from lab.runtime.reparameterization import Reparameterization, Split
from lab.runtime.selector import Selector
from lab.runtime.selectors.all import All
from lab.runtime.sharding import cores_that_pay, on_all
from lab.runtime.starting import starting_point
from lab.runtime.stopping import Stopping
from lab.runtime.streaming import Stream, fits, streamed
from lab.runtime.work import Work
from lab.spec.declare import Moment, Seconds, component, parameter
from lab.spec.units import Duration

#: Counts of an arm so far, which each training adds to.
PASSES = ("forwards", "backwards")


@component(
    "train",
    kind="stage",
    streams=("init", "batches", "augment", "dropout"),
    facts="lab.runtime.facts.stages:train",
    curves=(
        "epoch",
        "loss",
        "train_accuracy",
        "rate",
        "validation_accuracy",
        "test_accuracy",
        "watched",
    ),
    notes=(),
)
class Train(Stepped):
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
    micro_batch: int | None = parameter(
        None,
        "examples run at once, each piece with its own batch statistics; none for the whole batch",
        low=1,
        legacy=None,
    )
    accumulate: int = parameter(1, "batches whose gradients make one step", low=1, legacy=1)
    clip: float | None = parameter(
        None, "the norm that gradients are cut to; none for any", above=0, traced=True, legacy=None
    )
    precision: Literal["f32", "bf16"] = parameter(
        "f32", "of products and activations", legacy="f32"
    )
    average: float = parameter(
        0.0, "share of the weights' running average kept at a step; 0 for none", low=0, below=1
    )
    only: tuple[Literal["norms", "biases", "stem", "head"] | str, ...] = parameter(
        ("**",),
        "patterns and words of what is trained, of all that goes through nothing",
        legacy=("**",),
    )
    freeze_bits: Moment = parameter(
        Duration(1, "share"), "when bit widths stop moving", legacy=Duration(1, "share")
    )
    watch: Literal["validation", "test"] | None = parameter(
        None, "examples that the accuracy at every evaluation is of"
    )
    evaluate: Duration = parameter(
        Duration(1, "epochs"), "how long from one to the next", legacy=Duration(1, "epochs")
    )
    stop: Stopping | None = parameter(None, "when to stop early", legacy=None)
    keep: Literal["last", "best"] = parameter(
        "last",
        "which network: by the metric of `stop`, or the accuracy that is watched",
        legacy="last",
    )
    cap: Seconds | None = parameter(
        None,
        "longest time on the wall; the result then depends on the machine",
        above=0,
        legacy=None,
    )

    def going(self, work: Work) -> Generator[Ask, Answer, Artifact]:
        """Train, and keep the way there as history."""
        if self.data is None:
            raise UnsuitableSetting("training has no data: declare some, or give `data:`")
        begin = self._beginning(work)
        job = _Job.of(self, begin, self.data.loaded(), work)
        course = Course(
            job.recipe, job.rules, job.supply, work.progress, work.checkpoints, job.stream
        )
        (trainable, buffers), course = yield from within_memory(
            course, begin.split, job.moving, dict(begin.buffers)
        )
        return replace(
            begin,
            split=Split(trainable.split, begin.split.fixed),
            rest={**begin.rest, **trainable.rest},
            buffers=buffers,
            history=course.history,
            notes={**course.notes, **_totals(work.inputs.get("before"), course.notes)},
        )

    def _beginning(self, work: Work) -> Artifact:
        before = work.inputs.get("before")
        if before is None:
            if self.model is None:
                raise UnsuitableSetting("training has no model: declare one, or give `model:`")
            before = starting_point(self.model, work)
        if self.through is None:
            return before
        return reparametrize(before, self.through, key=work.stream("init"))


def _totals(before: Artifact | None, notes: Mapping[str, float]) -> dict[str, float]:
    earlier = {} if before is None else before.notes
    return {f"total_{name}": earlier.get(f"total_{name}", 0.0) + notes[name] for name in PASSES}


@dataclass(frozen=True)
class _Job:
    """A stage with its arrays: what to do, on what, and what to look at on the way."""

    recipe: Recipe
    rules: Rules
    supply: Supply
    moving: Arrays
    stream: Stream | None

    @classmethod
    def of(cls, stage: Train, begin: Artifact, dataset: Dataset, work: Work) -> "_Job":
        terms = losses.terms_of(stage.loss)
        recipe = _recipe(stage, begin, dataset, terms, teachers=_models(terms, work))
        moving = _moving(stage.only, recipe.model, begin)
        stream = streamed(dataset, recipe, work)
        devices = work.devices or _cores(begin, recipe)
        if work.devices is None and stream is None and not fits(dataset, work, copies=devices):
            devices = 1
        recipe = replace(recipe, devices=devices)
        if stream is None:
            inputs, labels = dataset.on_device(recipe.margin)
        else:
            recipe = replace(recipe, margin=stream.margin)
            inputs, labels = None, jax.device_put(dataset.train.labels)
        supply = Supply(
            inputs=inputs,
            labels=labels,
            fixed=dict(begin.split.fixed),
            batches=work.stream("batches"),
            augment=work.stream("augment"),
            dropout=work.stream("dropout"),
            numbers=training.traced_numbers(recipe),
            frozen={path: w for path, w in begin.rest.items() if path not in moving},
            start=weights(begin) if terms.needs_start else {},
            teachers={role: _taught_by(work.inputs[role]) for role in terms.teachers},
        )
        supply = on_all(supply, recipe.devices)
        return cls(recipe, _rules(stage, begin, recipe, work), supply, moving, stream)


def _recipe(
    stage: Train,
    begin: Artifact,
    dataset: Dataset,
    terms: Terms,
    *,
    teachers: tuple[tuple[str, Model], ...],
) -> Recipe:
    count = len(dataset.train.labels)
    batch = min(stage.batch, count)
    per_epoch = count // batch
    steps = whole_steps(stage.duration, steps_per_epoch=per_epoch, batch=batch)
    frozen = whole_steps(stage.freeze_bits, steps_per_epoch=per_epoch, total_steps=steps)
    augment = stage.data.augment if stage.data else ()
    return Recipe(
        model=registry.instantiate(begin.model),
        through=reparameterization(begin),
        select=stage.select,
        loss=terms,
        by=stage.by,
        augment=augment,
        batch=batch,
        steps=steps,
        steps_per_epoch=per_epoch,
        classes=dataset.classes,
        average=stage.average,
        clip=stage.clip,
        accumulate=stage.accumulate,
        cuts=1 if stage.micro_batch is None else -(-batch // stage.micro_batch),
        precision=stage.precision,
        freeze_bits_at=frozen if frozen < steps else None,
        teachers=teachers,
        side=dataset.side,
        margin=beforehand(augment, dataset.train.inputs),
    )


def _cores(begin: Artifact, recipe: Recipe) -> int:
    """How many cores should share a batch, where it is known what an example costs.

    Examples that a selector chooses are few, and need not be a multiple of anything.
    """
    if jax.device_count() == 1 or not recipe.select.takes_all:
        return 1
    facts = asking(registry.catalog())
    try:
        network: Network = facts.of(begin.model)
        method: Method | None = begin.through and facts.of(begin.through)(network)
    except UnknownError:
        return 1
    made = Made(network, method)
    again = 0 if method is None else method.macs
    batch = recipe.batch // recipe.cuts
    return cores_that_pay(batch, network.macs, made.trained, again=again)


def _models(terms: Terms, work: Work) -> tuple[tuple[str, Model], ...]:
    return tuple((role, registry.instantiate(work.inputs[role].model)) for role in terms.teachers)


def _taught_by(teacher: Artifact) -> tuple[Arrays, Arrays]:
    return shipped_weights(teacher), dict(teacher.buffers)


def _moving(only: tuple[str, ...], model: Model, begin: Artifact) -> Arrays:
    """The parameters that are trained, of those that go through nothing."""
    if only == ("**",):
        return dict(begin.rest)
    return {path: begin.rest[path] for path in patterns.named(begin.rest, only, model.parts)}


def _rules(stage: Train, begin: Artifact, recipe: Recipe, work: Work) -> Rules:
    if stage.keep == "best" and stage.stop is None and stage.watch is None:
        raise UnsuitableSetting(
            "`keep: best` has nothing to tell the best by: give `watch: validation`, or `stop:`"
        )
    every = whole_steps(
        stage.evaluate, steps_per_epoch=recipe.steps_per_epoch, total_steps=recipe.steps
    )
    goal = None if stage.watch is None else f"{stage.watch}_accuracy"
    return Rules(
        evaluate_every=max(every, 1),
        watch=lambda trainable, buffers: _watched(
            stage, _with(begin, trainable, buffers), work, recipe.model
        ),
        goal=goal if stage.stop is None else "watched",
        lower_is_better=stage.stop is not None and watching.is_better_lower(stage.stop.of),
        stop=stage.stop,
        keep_best=stage.keep == "best",
        cap=stage.cap,
    )


def _with(begin: Artifact, trainable: Trainable, buffers: Arrays) -> Artifact:
    return replace(
        begin,
        split=Split(trainable.split, begin.split.fixed),
        rest={**begin.rest, **trainable.rest},
        buffers=buffers,
    )


def _watched(stage: Train, artifact: Artifact, work: Work, model: Model) -> dict[str, float]:
    through = reparameterization(artifact)
    found = {} if through is None else dict(through.curves(artifact.split))
    if stage.watch is not None and stage.data is not None:
        examples = stage.data.loaded().split(stage.watch)
        right = scoring.correct(model, weights(artifact), dict(artifact.buffers), examples)
        found[f"{stage.watch}_accuracy"] = float(right.mean())
    if stage.stop is not None:
        metric: Any = stage.stop.of
        found["watched"] = watching.measured(metric, artifact, work, stage.data)
    return found
