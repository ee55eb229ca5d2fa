"""Training: one step, in which no method is named, and the loop around it.

    weights = materialize(split) and the rest,   loss = mean of examples' losses + penalty(split)

What is optimized is `split.train` and the rest. Data and state stay on the device; batches are
drawn and augmented inside the program. A loop of steps runs inside the program where the device
gains by it, and as one program per step where it loses: convolutions in a loop on a CPU.

Random numbers are `fold_in(stream, step)` and `fold_in(stream, epoch)`, so that a result does not
depend on where a run was resumed.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from lab.runtime.augmentation import Augmentation
from lab.runtime.loss import Loss
from lab.runtime.model import Model
from lab.runtime.model import State as Arrays
from lab.runtime.optimizer import Optimizer
from lab.runtime.reparameterization import Reparameterization, Split
from lab.runtime.selector import Selector
from lab.runtime.traced import Numbers, bind, numbers, program_key

#: The average follows faster at first: after t steps it keeps at most (1 + t) / (10 + t).
AVERAGE_WARM_UP = 10


@dataclass(frozen=True)
class Recipe:
    """How to train: all but the arrays. Equal recipes, traced numbers aside, compile once."""

    model: Model
    through: Reparameterization | None
    select: Selector
    loss: Loss
    by: Optimizer
    augment: tuple[Augmentation, ...]
    batch: int
    steps: int
    steps_per_epoch: int
    average: float


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
    average: Trainable
    averaged_buffers: Arrays


class Supply(NamedTuple):
    """What a step reads: examples, the epoch's order of them, random streams, traced numbers."""

    inputs: Shaped[Array, "examples ..."]
    labels: Int[Array, " examples"]
    fixed: Arrays
    batches: PRNGKeyArray
    augment: PRNGKeyArray
    numbers: Numbers


class Tally(NamedTuple):
    """Sums over the steps of a chunk."""

    loss: Float[Array, ""]
    correct: Float[Array, ""]
    examples: Float[Array, ""]


Advance = Callable[[State, Supply, Int[Array, " examples"]], tuple[State, Tally]]


def start(recipe: Recipe, split: Split, rest: Arrays, buffers: Arrays) -> State:
    """The state before the first step. It owns its arrays, since a step reuses their memory."""
    trainable, buffers = jax.tree.map(
        lambda array: jnp.array(array, copy=True), (Trainable(split.train, rest), buffers)
    )
    nothing = (Trainable({}, {}), {})
    average = jax.tree.map(jnp.copy, (trainable, buffers)) if recipe.average else nothing
    return State(
        jnp.zeros((), jnp.int32), trainable, buffers, _transform(recipe).init(trainable), *average
    )


def finished(recipe: Recipe, state: State) -> tuple[Trainable, Arrays]:
    """What training has made: the averages, where there are any."""
    if recipe.average:
        return state.average, state.averaged_buffers
    return state.trainable, state.buffers


def loops_in_program(model: Model) -> bool:
    """Whether steps are looped inside the program on this device."""
    return model.loops_well_on_cpu or jax.default_backend() != "cpu"


def traced_numbers(recipe: Recipe) -> Numbers:
    """The numbers of a recipe that are arguments of its program."""
    return numbers(recipe)


_programs: dict[Hashable, Advance] = {}


def program(recipe: Recipe, steps: int) -> Advance:
    """The compiled function that takes so many steps; shared by recipes that differ in numbers."""
    key = (program_key(recipe), steps)
    if key not in _programs:
        _programs[key] = jax.jit(partial(_advance, recipe, steps=steps), donate_argnums=0)
    return _programs[key]


@partial(jax.jit, static_argnames="count")
def epoch_order(key: PRNGKeyArray, epoch: Int[Array, ""], *, count: int) -> Int[Array, " count"]:
    """The order in which an epoch visits the examples."""
    return jax.random.permutation(jax.random.fold_in(key, epoch), count)


def _advance(
    recipe: Recipe, state: State, supply: Supply, order: Array, *, steps: int
) -> tuple[State, Tally]:
    recipe = bind(recipe, supply.numbers)
    if steps == 1:
        return _step(recipe, state, supply, order)

    def body(carry: State, _: None) -> tuple[State, Tally]:
        return _step(recipe, carry, supply, order)

    state, tallies = jax.lax.scan(body, state, length=steps)
    return state, jax.tree.map(jnp.sum, tallies)


def _step(recipe: Recipe, state: State, supply: Supply, order: Array) -> tuple[State, Tally]:
    inputs, labels = _batch(recipe, state.step, supply, order)
    inputs, labels, shares = _selected(recipe, state, supply, (inputs, labels))

    def objective(trainable: Trainable) -> tuple[Array, tuple[Array, Arrays]]:
        params, penalty = _params(recipe, trainable, supply.fixed)
        logits, buffers = recipe.model.apply(params, state.buffers, inputs, train=True)
        loss = jnp.mean(shares * recipe.loss.per_example(logits, labels))
        return loss + penalty, (logits, buffers)

    (loss, (logits, buffers)), gradients = jax.value_and_grad(objective, has_aux=True)(
        state.trainable
    )
    moves, optimizer = _transform(recipe).update(gradients, state.optimizer, state.trainable)
    trainable = optax.apply_updates(state.trainable, moves)
    averages = _averaged(recipe, state, (trainable, buffers))
    correct = jnp.sum(jnp.argmax(logits, axis=1) == labels, dtype=jnp.float32)
    tally = Tally(loss, correct, jnp.full((), len(labels), jnp.float32))
    return State(state.step + 1, trainable, buffers, optimizer, *averages), tally


def _batch(recipe: Recipe, step: Array, supply: Supply, order: Array) -> tuple[Array, Array]:
    first = (step % recipe.steps_per_epoch) * recipe.batch
    rows = jax.lax.dynamic_slice_in_dim(order, first, recipe.batch)
    inputs, labels = supply.inputs[rows], supply.labels[rows]
    key = jax.random.fold_in(supply.augment, step)
    for place, augmentation in enumerate(recipe.augment):
        inputs = augmentation.apply(inputs, jax.random.fold_in(key, place))
    return inputs, labels


def _selected(
    recipe: Recipe, state: State, supply: Supply, batch: tuple[Array, Array]
) -> tuple[Array, Array, Array]:
    inputs, labels = batch
    if recipe.select.takes_all:
        return inputs, labels, jnp.ones(len(labels))
    losses = None
    if recipe.select.needs_losses:
        params, _ = _params(recipe, state.trainable, supply.fixed)
        logits, _ = recipe.model.apply(params, state.buffers, inputs, train=False)
        losses = recipe.loss.per_example(logits, labels)
    # The epochs' orders are drawn from the same stream by their number: keep clear of them.
    key = jax.random.fold_in(jax.random.fold_in(supply.batches, state.step), 1)
    rows, shares = recipe.select.select(losses, key, batch=recipe.batch)
    return inputs[rows], labels[rows], shares


def _params(recipe: Recipe, trainable: Trainable, fixed: Arrays) -> tuple[Arrays, Array | float]:
    if recipe.through is None:
        return dict(trainable.rest), 0.0
    split = Split(trainable.split, fixed)
    return {**trainable.rest, **recipe.through.materialize(split)}, recipe.through.penalty(split)


def _averaged(
    recipe: Recipe, state: State, now: tuple[Trainable, Arrays]
) -> tuple[Trainable, Arrays]:
    before = (state.average, state.averaged_buffers)
    if not recipe.average:
        return before
    warm_up = (1 + state.step) / (AVERAGE_WARM_UP + state.step)
    kept = jnp.minimum(recipe.average, warm_up)
    return jax.tree.map(lambda old, new: new + kept * (old - new), before, now)


def _transform(recipe: Recipe) -> optax.GradientTransformation:
    return recipe.by.transform(total_steps=recipe.steps, steps_per_epoch=recipe.steps_per_epoch)
