"""The loop of a fit: many steps of gradient descent on an objective, inside one program.

The program is shared by fits that differ in traced numbers only (learning rates, `w0`, seeds): a
hundred of them compile once. Random numbers are `fold_in(key, step)`.
"""

from collections.abc import Callable, Generator, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lab.runtime import meters
from lab.runtime.asking import Answer, Ask, whole
from lab.runtime.checkpoints import Checkpoints
from lab.runtime.errors import Diverged
from lab.runtime.executables import Kept
from lab.runtime.objective import Objective, Tree
from lab.runtime.optimizer import Labels, Optimizer
from lab.runtime.reparameterization import Split, Weights
from lab.runtime.traced import Numbers, bind, numbers, program_key
from lab.runtime.work import Progress

#: Points of a curve.
LOOKS = 50


@dataclass(frozen=True)
class Fit:
    """How to fit: all but the arrays. `importance` are the tensors' shares of the loss reported."""

    objective: Objective
    by: Optimizer
    steps: int
    importance: tuple[float, ...]

    @cached_property
    def program(self) -> Hashable:
        """Equal for fits that compile once."""
        return program_key(self)


class State(NamedTuple):
    """Where a fit stands. `errors` adds up each tensor's error over the steps of a chunk."""

    step: Int[Array, ""]
    train: Tree
    optimizer: Any
    errors: Float[Array, " tensors"]


class Supply(NamedTuple):
    """What a step reads."""

    given: Tree
    key: PRNGKeyArray
    numbers: Numbers


Advance = Callable[[State, Supply, Int[Array, ""]], tuple[State, Float[Array, " tensors"]]]


def going(
    fit: Fit,
    split: Split,
    target: Weights,
    *,
    key: PRNGKeyArray,
    progress: Progress,
    checkpoints: Checkpoints,
) -> Generator[Ask, Answer, tuple[Split, Mapping[str, list[float]]]]:
    """The fitted split, and the curves of loss and R² on the way. Raises `Diverged`."""
    state, supply = begin(fit, split, target, key=key)
    history: dict[str, list[float]] = {"step": [], "loss": [], "r2": []}
    begun = checkpoints.restore(state)
    if begun is not None:
        state, history = begun
    chunk = max(1, -(-fit.steps // LOOKS))
    for first in range(int(state.step), fit.steps, chunk):
        stop = min(first + chunk, fit.steps)
        answer = yield Ask(
            program=fit.program,
            function=partial(_advance, fit),
            compiled=program(fit),
            state=state,
            supply=supply,
            leg=lambda stop: np.full((), stop, np.int32),
            first=first,
            last=stop,
            total=fit.steps,
        )
        state = answer.state
        errors = np.asarray(answer.seen[0], np.float64) / (stop - first)
        now = _seen(fit, stop, float(np.dot(fit.importance, errors)))
        for name, value in now.items():
            history[name].append(value)
        progress(stop, fit.steps, now)
        if checkpoints.is_due:
            checkpoints.save(stop, whole(state), history)
    return fit.objective.end(whole(state).train, split), history


def begin(fit: Fit, split: Split, target: Weights, *, key: PRNGKeyArray) -> tuple[State, Supply]:
    """The state before the first step, and what steps read."""
    train, given = fit.objective.begin(split, target)
    if fit.program not in _beginnings:
        _beginnings[fit.program] = Kept(partial(_started, fit), about=fit.program)
    return _beginnings[fit.program](train, given), Supply(given, key, numbers(fit, fit.program))


_beginnings: dict[Hashable, Callable[[Tree, Tree], State]] = {}


def _started(fit: Fit, train: Tree, given: Tree) -> State:
    # A step reuses the state's memory, so the state owns its arrays.
    train = jax.tree.map(jnp.copy, train)
    return State(
        step=jnp.zeros((), jnp.int32),
        train=train,
        optimizer=_transform(fit, fit.objective.labels(train, given)).init(train),
        errors=jnp.zeros(len(fit.importance)),
    )


def _seen(fit: Fit, step: int, loss: float) -> dict[str, float]:
    if not np.isfinite(loss):
        raise Diverged(
            f"the loss is {loss} at step {step} of {fit.steps}; a smaller learning rate or a "
            "smaller w0 usually mends this"
        )
    return {"step": float(step), "loss": loss, "r2": 1 - loss}


_programs: dict[Hashable, Advance] = {}


def program(fit: Fit) -> Advance:
    """The compiled function that steps on to a step; shared by fits that differ in numbers."""
    key = fit.program
    if key not in _programs:
        function = partial(_advance, fit)
        _programs[key] = Kept(function, about=key, donate=True, of_steps=True)
    return _programs[key]


def _advance(
    fit: Fit, state: State, supply: Supply, stop: Int[Array, ""]
) -> tuple[State, Float[Array, " tensors"]]:
    meters.count_program()
    bound = bind(fit, supply.numbers)
    start = state._replace(errors=jnp.zeros_like(state.errors))
    step = partial(_step, bound, supply)
    end = jax.lax.while_loop(lambda state: state.step < stop, step, start)
    return end, end.errors


def _step(fit: Fit, supply: Supply, state: State) -> State:
    key = jax.random.fold_in(supply.key, state.step)
    errors, gradients = fit.objective.gradients(state.train, supply.given, key=key)
    by = _transform(fit, fit.objective.labels(state.train, supply.given))
    moves, optimizer = by.update(gradients, state.optimizer, state.train)
    train = optax.apply_updates(state.train, moves)
    return State(state.step + 1, train, optimizer, state.errors + errors)


def _transform(fit: Fit, groups: Labels) -> optax.GradientTransformation:
    return fit.by.grouped(groups, total_steps=fit.steps)
