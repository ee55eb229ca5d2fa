"""What a training is made of: its recipe, and the arrays that a step reads and moves."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from lab.runtime import patterns
from lab.runtime.augmentation import Augmentation
from lab.runtime.clock import Clock
from lab.runtime.loss import Terms
from lab.runtime.model import Model
from lab.runtime.model import State as Arrays
from lab.runtime.optimizer import Labels, Optimizer
from lab.runtime.reparameterization import Reparameterization, Split
from lab.runtime.selector import Memory, Selector
from lab.runtime.traced import Numbers, program_key

Precision = Literal["f32", "bf16"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train: all but the arrays. Equal recipes, traced numbers aside, compile once.

    `steps` counts batches; the optimizer moves after every `accumulate` of them. Gradients are cut
    to the norm `clip`. A batch is run in `cuts` pieces, one after another, each spread over so many
    `devices`. `teachers` are networks that the loss listens to, by role. Groups that decide bit
    widths rest from `freeze_bits_at` on. Images are resized to sides of `side` pixels, after they
    are augmented. Where `classes` is 1, labels are numbers that are to be found. The supply's
    images have the black `margin` of the first augmentation already, where that is not 0.
    """

    model: Model
    through: Reparameterization | None
    select: Selector
    loss: Terms
    by: Optimizer
    augment: tuple[Augmentation, ...]
    batch: int
    steps: int
    steps_per_epoch: int
    classes: int
    average: float = 0.0
    clip: float | None = field(default=None, metadata={"traced": True})
    accumulate: int = 1
    cuts: int = 1
    devices: int = 1
    precision: Precision = "f32"
    freeze_bits_at: int | None = None
    teachers: tuple[tuple[str, Model], ...] = ()
    side: int | None = None
    margin: int = 0

    @cached_property
    def program(self) -> Hashable:
        """Equal for recipes that compile once."""
        return program_key(self)

    def clock(self, step: Array | int) -> Clock:
        """A step of this training."""
        return Clock(step, self.steps, self.steps_per_epoch)


class Trainable(NamedTuple):
    """What the optimizer moves."""

    split: Arrays
    rest: Arrays


class State(NamedTuple):
    """Where training stands. Averages are empty when nothing is averaged."""

    step: Int[Array, ""]
    trainable: Trainable
    buffers: Arrays
    optimizer: Any
    memory: Memory
    average: Trainable
    averaged_buffers: Arrays


class Supply(NamedTuple):
    """What a step reads: examples, numbers that stay, random streams, traced numbers.

    `inputs` is None where a leg brings what its steps read (`lab.runtime.streaming`).
    `frozen` are parameters that are not trained, `start` the weights at the beginning where the
    loss asks for them, `teachers` parameters and buffers by role.
    """

    inputs: Shaped[Array, "examples ..."] | None
    labels: Int[Array, " examples"] | Float[Array, " examples"]
    fixed: Arrays
    batches: PRNGKeyArray
    augment: PRNGKeyArray
    dropout: PRNGKeyArray
    numbers: Numbers
    frozen: Arrays
    start: Arrays
    teachers: Mapping[str, tuple[Arrays, Arrays]]


class Tally(NamedTuple):
    """Sums over steps. `forwards` and `backwards` count examples that were run each way."""

    loss: Float[Array, ""]
    correct: Float[Array, ""]
    examples: Float[Array, ""]
    forwards: Float[Array, ""]
    backwards: Float[Array, ""]
    curves: Mapping[str, Float[Array, ""]]


class Window(NamedTuple):
    """Inputs of the steps from `first` on, in the order in which these read them."""

    first: Int[np.ndarray, ""]
    inputs: Shaped[Array, "rows ..."]


class Leg(NamedTuple):
    """The order of the examples in this epoch, and the step to go to within it.

    Where the supply has no inputs, a `window` has those of this leg.
    """

    order: Int[Array, " examples"]
    stop: Int[Array, ""]
    window: Window | None = None


Advance = Callable[[State, Supply, Leg], tuple[State, Tally]]


def labels(recipe: Recipe, trainable: Trainable, fixed: Arrays) -> Trainable:
    """The optimizer group of every number that moves."""
    parts = recipe.model.parts
    heads = {word: set(patterns.within(trainable.rest, parts.get(word, ()))) for word in parts}

    def word_of(path: str, values: Array) -> str:
        if values.ndim < 2:
            return patterns.vector_word(path)
        return next((word for word, paths in heads.items() if path in paths), "weights")

    through = recipe.through
    return Trainable(
        {} if through is None else through.labels(Split(trainable.split, fixed)),
        {path: word_of(path, values) for path, values in trainable.rest.items()},
    )


def transform(recipe: Recipe, grouping: Labels) -> optax.GradientTransformation:
    """The optimizer with what stands before and around it."""
    every = recipe.accumulate
    moves = recipe.by.grouped(
        grouping,
        total_steps=max(recipe.steps // every, 1),
        steps_per_epoch=recipe.steps_per_epoch / every,
    )
    if recipe.clip is not None:
        moves = optax.chain(optax.clip_by_global_norm(recipe.clip), moves)
    if every > 1:
        return optax.MultiSteps(moves, every).gradient_transformation()
    return moves
