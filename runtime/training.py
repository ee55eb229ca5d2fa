"""Training: one step, in which no method is named, and the loop around it.

    weights = materialize(split) and the rest
    loss = sum(shares · losses of the chosen examples) / count + losses of the weights + penalty

What is optimized is `split.train` and the rest. State stays on the device, and so do data where
they fit (`lab.runtime.streaming`); batches are drawn and augmented inside the program. A loop of
steps runs inside the program where the device gains by it, and as one program per step where it
loses: convolutions in a loop on a CPU.
"""

from collections.abc import Callable, Hashable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from lab.runtime import meters
from lab.runtime.batches import Batch, drawn, pieces, right, taught
from lab.runtime.executables import Kept
from lab.runtime.model import Model
from lab.runtime.model import State as Arrays
from lab.runtime.recipe import (
    Advance,
    Leg,
    Recipe,
    State,
    Supply,
    Tally,
    Trainable,
    labels,
    transform,
)
from lab.runtime.reparameterization import Split
from lab.runtime.selector import Memory
from lab.runtime.sharding import on_all, shared_by, spread
from lab.runtime.traced import Numbers, bind, numbers

#: The average follows faster at first: after t steps it keeps at most (1 + t) / (10 + t).
AVERAGE_WARM_UP = 10


def start(recipe: Recipe, split: Split, rest: Arrays, buffers: Arrays) -> State:
    """The state before the first step. It owns its arrays, since a step reuses their memory."""
    key = recipe.program
    if key not in _beginnings:
        _beginnings[key] = Kept(partial(_started, recipe), about=key)
    return _beginnings[key](split, rest, buffers)


_beginnings: dict[Hashable, Callable[[Split, Arrays, Arrays], State]] = {}


def _started(recipe: Recipe, split: Split, rest: Arrays, buffers: Arrays) -> State:
    trainable, buffers = jax.tree.map(jnp.copy, (Trainable(split.train, rest), buffers))
    nothing = (Trainable({}, {}), {})
    average = jax.tree.map(jnp.copy, (trainable, buffers)) if recipe.average else nothing
    groups = labels(recipe, trainable, split.fixed)
    return State(
        jnp.zeros((), jnp.int32),
        trainable,
        buffers,
        transform(recipe, groups).init(trainable),
        recipe.select.begin(),
        *average,
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
    return numbers(recipe, recipe.program)


_programs: dict[Hashable, Advance] = {}


def program(recipe: Recipe, *, looped: bool) -> Advance:
    """The compiled function that goes on to a step, or takes a single one where not `looped`.

    Recipes that differ in traced numbers share it.
    """
    key = (recipe.program, looped)
    if key not in _programs:
        function = body(recipe, looped=looped)
        _programs[key] = Kept(function, about=key, donate=True, of_steps=True)
    return _programs[key]


def body(recipe: Recipe, *, looped: bool) -> Advance:
    """What `program` compiles."""
    return partial(_until if looped else _once, recipe)


def _once(recipe: Recipe, state: State, supply: Supply, leg: Leg) -> tuple[State, Tally]:
    meters.count_program()
    return _step(bind(recipe, supply.numbers), state, supply, leg)


def _until(recipe: Recipe, state: State, supply: Supply, leg: Leg) -> tuple[State, Tally]:
    meters.count_program()
    recipe = bind(recipe, supply.numbers)

    def body(carry: tuple[State, Tally]) -> tuple[State, Tally]:
        after, tally = _step(recipe, carry[0], supply, leg)
        return after, jax.tree.map(jnp.add, carry[1], tally)

    like = jax.eval_shape(lambda: _step(recipe, state, supply, leg)[1])
    nothing = jax.tree.map(lambda part: jnp.zeros(part.shape, part.dtype), like)
    return jax.lax.while_loop(lambda carry: carry[0].step < leg.stop, body, (state, nothing))


def _step(recipe: Recipe, state: State, supply: Supply, leg: Leg) -> tuple[State, Tally]:
    batch = drawn(recipe, state.step, supply, leg)
    batch, memory, scored = _chosen(recipe, state, supply, batch)
    gradients, found = _gradients(recipe, state, supply, batch)
    grouping = labels(recipe, state.trainable, supply.fixed)
    moves, optimizer = transform(recipe, grouping).update(
        gradients, state.optimizer, state.trainable
    )
    moves = _resting(recipe, state.step, moves, grouping)
    trainable = optax.apply_updates(state.trainable, moves)
    averages = _averaged(recipe, state, (trainable, found.buffers))
    tally = Tally(
        loss=found.loss,
        correct=found.correct,
        examples=jnp.full((), len(batch.shares), jnp.float32),
        forwards=found.examples + scored,
        backwards=found.examples,
        curves=dict(recipe.select.curves(memory)),
    )
    after = State(state.step + 1, trainable, found.buffers, optimizer, memory, *averages)
    return on_all(after, recipe.devices), tally


class _Found(NamedTuple):
    """What a step saw; `examples` counts those that were run forwards and backwards."""

    loss: Float[Array, ""]
    correct: Float[Array, ""]
    examples: Float[Array, ""]
    buffers: Arrays


def _chosen(
    recipe: Recipe, state: State, supply: Supply, batch: Batch
) -> tuple[Batch, Memory, int]:
    """The examples to train on, with their shares, and how many were run forward to choose them."""
    select = recipe.select
    if select.takes_all:
        return taught(recipe, supply, batch), state.memory, 0
    scores, scored = None, 0
    if select.needs_losses:
        batch = taught(recipe, supply, batch)
        params, _ = _params(recipe, state.trainable, supply, key=None)
        params = _in_precision(recipe, params)
        logits, _ = recipe.model.apply(params, state.buffers, batch.inputs, train=False)
        losses = recipe.loss.per_example(
            logits, batch.targets, teachers=batch.teachers, clock=recipe.clock(state.step)
        )
        scores, scored = select.score(losses, logits), len(losses)
    # The epochs' orders are drawn from the same stream by their number: keep clear of them.
    key = jax.random.fold_in(jax.random.fold_in(supply.batches, state.step), 1)
    rows, shares, memory = select.select(
        scores, state.memory, key, batch=recipe.batch, clock=recipe.clock(state.step)
    )
    chosen = batch.rows(rows)._replace(shares=shares)
    return chosen if scored else taught(recipe, supply, chosen), memory, scored


def _gradients(
    recipe: Recipe, state: State, supply: Supply, batch: Batch
) -> tuple[Trainable, _Found]:
    """Gradients of the step's loss, over the whole batch at once or piece by piece."""
    key = jax.random.fold_in(jax.random.fold_in(supply.dropout, state.step), 0)
    count = len(batch.shares)

    def piece(buffers: Arrays, part: Batch) -> tuple[Trainable, _Found]:
        part = spread(part, recipe.devices)

        def objective(trainable: Trainable) -> tuple[Array, _Found]:
            params, penalty = _params(recipe, trainable, supply, key=key)
            clock = recipe.clock(state.step)
            with shared_by(recipe.devices):
                logits, moved = recipe.model.apply(
                    _in_precision(recipe, params), buffers, part.inputs, train=True, keys=part.keys
                )
            losses = recipe.loss.per_example(
                logits, part.targets, teachers=part.teachers, clock=clock
            )
            whole = penalty + recipe.loss.of_weights(params, start=supply.start, clock=clock)
            loss = jnp.sum(part.shares * losses) / count + whole / recipe.cuts
            hits = right(logits, part.targets) * part.real
            run = jnp.full((), len(part.shares), jnp.float32)
            return loss, _Found(loss, jnp.sum(hits), run, moved)

        gradients, found = jax.grad(objective, has_aux=True)(state.trainable)
        return gradients, found

    if recipe.cuts == 1:
        return piece(state.buffers, batch)

    def add(carry: tuple[Trainable, _Found], part: Batch) -> tuple[tuple[Trainable, _Found], None]:
        gradients, found = piece(carry[1].buffers, part)
        total = jax.tree.map(jnp.add, (carry[0], carry[1][:3]), (gradients, found[:3]))
        return (total[0], _Found(*total[1], found.buffers)), None

    zero = jnp.zeros(())
    nothing = jax.tree.map(jnp.zeros_like, state.trainable)
    begin = (nothing, _Found(zero, zero, zero, state.buffers))
    return jax.lax.scan(add, begin, pieces(batch, recipe.cuts, recipe.devices))[0]


def _params(
    recipe: Recipe, trainable: Trainable, supply: Supply, *, key: PRNGKeyArray | None
) -> tuple[Arrays, Array | float]:
    """All parameters, and the penalty of what they go through; with a key, as training has them."""
    params = {**trainable.rest, **supply.frozen}
    if recipe.through is None:
        return params, 0.0
    split = Split(trainable.split, supply.fixed)
    if key is None:
        made = recipe.through.materialize(split)
    else:
        made = recipe.through.while_training(split, key=key)
    return {**params, **made}, recipe.through.penalty(split)


def _in_precision(recipe: Recipe, params: Arrays) -> Arrays:
    """Matrices and kernels in the type that products are computed in; vectors stay in float32."""
    if recipe.precision == "f32":
        return params
    return {p: w.astype(jnp.bfloat16) if w.ndim > 1 else w for p, w in params.items()}


def _resting(recipe: Recipe, step: Array, moves: Trainable, grouping: Trainable) -> Trainable:
    """The moves without those of groups that rest from now on."""
    if recipe.through is None or recipe.freeze_bits_at is None:
        return moves
    resting = recipe.through.bit_groups
    is_late = step >= recipe.freeze_bits_at

    def held(move: Array, group: str) -> Array:
        return jnp.where(is_late, jnp.zeros_like(move), move) if group in resting else move

    return jax.tree.map(held, moves, grouping)


def _averaged(
    recipe: Recipe, state: State, now: tuple[Trainable, Arrays]
) -> tuple[Trainable, Arrays]:
    before = (state.average, state.averaged_buffers)
    if not recipe.average:
        return before
    warm_up = (1 + state.step) / (AVERAGE_WARM_UP + state.step)
    kept = jnp.minimum(recipe.average, warm_up)
    # A buffer of whole numbers never moves, and stays one.
    return jax.tree.map(lambda old, new: (new + kept * (old - new)).astype(new.dtype), before, now)
