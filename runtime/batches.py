"""The examples of a step: drawn in the epoch's order, changed, chosen, cut into pieces.

Random numbers are `fold_in(stream, step)` and `fold_in(stream, epoch)`, so that a result does not
depend on where a run was resumed.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Shaped

from lab.runtime.augmentation import Windows
from lab.runtime.executables import kept
from lab.runtime.loss import Logits, Targets
from lab.runtime.recent import Recent
from lab.runtime.recipe import Leg, Recipe, Supply
from lab.runtime.resizing import resized


class Batch(NamedTuple):
    """Examples of a step. `keys` are each example's own, `teachers` logits by role.

    The mean over the step is `sum(shares · losses) / count`, `real` marking the examples that are
    no filling.
    """

    inputs: Shaped[Array, "batch ..."]
    targets: Targets
    shares: Float[Array, " batch"]
    real: Float[Array, " batch"]
    keys: PRNGKeyArray
    teachers: dict[str, Float[Array, "batch classes"]]

    def rows(self, index: Int[Array, " chosen"]) -> "Batch":
        """Some of the examples."""
        return jax.tree.map(lambda part: part[index], self)


def epoch_order(key: PRNGKeyArray, epoch: Int[Array, ""], *, count: int) -> Int[Array, " count"]:
    """The order in which an epoch visits the examples: `permutation(fold_in(key, epoch), count)`.

    On a CPU the sorting that this comes down to is numpy's, which takes a tenth of the time.
    """
    return _orders.of(key, lambda: _order(key, epoch, count=count), int(epoch), count)


#: Runs of one seed visit the examples in the same order.
_orders: Recent[Array] = Recent(4)


def _order(key: PRNGKeyArray, epoch: Int[Array, ""], *, count: int) -> Int[Array, " count"]:
    if jax.default_backend() != "cpu":
        return _permutation(key, epoch, count=count)
    places = np.arange(count, dtype=np.uint64)
    order = places
    for bits in _random_bits(key, epoch, count=count):
        # Equal numbers stay in order, since a place is the lower half of what is sorted.
        numbered = np.asarray(bits).astype(np.uint64) << np.uint64(32) | places
        numbered.sort()
        order = order[numbered & np.uint64(2**32 - 1)]
    return jnp.asarray(order.astype(np.int32))


@kept(static=("count",))
def _permutation(key: PRNGKeyArray, epoch: Int[Array, ""], *, count: int) -> Int[Array, " count"]:
    return jax.random.permutation(jax.random.fold_in(key, epoch), count)


@kept(static=("count",))
def _random_bits(key: PRNGKeyArray, epoch: Int[Array, ""], *, count: int) -> list[Array]:
    """The numbers by which a permutation sorts, one time after another.

    As many times as leave no two numbers equal in all of them, but for a chance of about 1 / count.
    """
    key, found = jax.random.fold_in(key, epoch), []
    for _ in range(math.ceil(3 * math.log(max(1, count)) / math.log(2**32 - 1))):
        key, own = jax.random.split(key)
        found.append(jax.random.bits(own, (count,), jnp.uint32))
    return found


def drawn(recipe: Recipe, step: Array, supply: Supply, leg: Leg) -> Batch:
    """The batch of a step, augmented."""
    first = (step % recipe.steps_per_epoch) * recipe.batch
    rows = jax.lax.dynamic_slice_in_dim(leg.order, first, recipe.batch)
    targets = supply.labels[rows]
    if recipe.classes > 1 and any(one.mixes for one in recipe.augment):
        targets = jax.nn.one_hot(targets, recipe.classes)
    key = jax.random.fold_in(supply.augment, step)
    whole, places = supply.inputs, rows
    if leg.window is not None:
        begin = (step - leg.window.first) * recipe.batch
        whole, places = leg.window.inputs, begin + jnp.arange(recipe.batch)
    inputs, done = _read(recipe, whole, places, key)
    for place, augmentation in enumerate(recipe.augment[done:], done):
        inputs, targets = augmentation.mixed(inputs, targets, jax.random.fold_in(key, place))
    if recipe.side is not None:
        inputs = resized(inputs, recipe.side)
    drop = jax.random.fold_in(jax.random.fold_in(supply.dropout, step), 1)
    return Batch(
        inputs,
        targets,
        shares=jnp.ones(recipe.batch),
        real=jnp.ones(recipe.batch),
        keys=jax.random.split(drop, recipe.batch),
        teachers={},
    )


def _read(recipe: Recipe, inputs: Any, rows: Array, key: PRNGKeyArray) -> tuple[Array, int]:
    """Some of the inputs, and how many augmentations were done in reading them."""
    first = recipe.augment[0] if recipe.margin else None
    if isinstance(first, Windows):
        return first.cut(inputs, rows, jax.random.fold_in(key, 0)), 1
    return inputs[rows], 0


def taught(recipe: Recipe, supply: Supply, batch: Batch) -> Batch:
    """The batch with what the teachers say of it."""
    said = {}
    for role, model in recipe.teachers:
        params, buffers = supply.teachers[role]
        said[role] = model.apply(params, buffers, batch.inputs, train=False)[0]
    return batch._replace(teachers=said)


def pieces(batch: Batch, cuts: int, devices: int = 1) -> Batch:
    """The batch in so many equal pieces along a new first axis, the last one filled up.

    Each is a multiple of so many devices.

    The filling has no share in the mean. (Batch statistics of a network do see it, and are those of
    a piece.)
    """
    count = len(batch.shares)
    size = -(-count // (cuts * devices)) * devices
    index = jnp.arange(cuts * size)
    there = (index < count).astype(jnp.float32)
    filled = batch.rows(jnp.minimum(index, count - 1))
    filled = filled._replace(shares=filled.shares * there, real=filled.real * there)
    return jax.tree.map(lambda part: part.reshape(cuts, size, *part.shape[1:]), filled)


def right(logits: Logits, targets: Targets) -> Bool[Array, " batch"]:
    """Whether the largest logit is that of the class with the largest share.

    Where a number is to be found, nothing is right or wrong: all false.
    """
    if logits.shape[1] == 1:
        return jnp.zeros(len(logits), bool)
    answers = targets if targets.ndim == 1 else jnp.argmax(targets, axis=1)
    return jnp.argmax(logits, axis=1) == answers
