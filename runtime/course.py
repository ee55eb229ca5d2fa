"""One training on the host: legs of steps, what is looked at between them, and when it ends.

A leg ends where an epoch does, where something is evaluated, every `LOOK` steps where each step is
a program of its own or a time limit is kept, and with its window where examples are streamed.
Whatever ends a training early (patience, a cap on the wall clock, no memory for a whole batch) is a
note of its result.
"""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lab.runtime import batches, training
from lab.runtime.asking import Answer, Ask, whole
from lab.runtime.checkpoints import Checkpoints, Nowhere
from lab.runtime.errors import Diverged
from lab.runtime.recipe import Leg, Recipe, State, Supply, Tally, Trainable, Window
from lab.runtime.reparameterization import Split
from lab.runtime.sharding import on_all, on_first
from lab.runtime.stopping import Stopping
from lab.runtime.streaming import Stream
from lab.runtime.work import Progress

#: Steps between two looks at the loss, where every step is a program of its own.
LOOK = 20

#: A trained network, and its value: higher is better.
Watch = Callable[[Trainable, Any], dict[str, float]]


@dataclass(frozen=True)
class Rules:
    """What a training watches, and when it stops. Steps count from its beginning.

    `evaluate_every`: steps between two evaluations. `watch`: values of the network as it stands, by
    name. `goal`: which of these is to be as high as possible (or as low), where one is.
    `keep_best`: return the network of the best evaluation. `cap`: seconds on the wall.
    """

    evaluate_every: int
    watch: Watch
    goal: str | None = None
    lower_is_better: bool = False
    stop: Stopping | None = None
    keep_best: bool = False
    cap: float | None = None


@dataclass
class Course:
    """Where a training stands, and what it has seen. A `stream` has what the supply has not."""

    recipe: Recipe
    rules: Rules
    supply: Supply
    progress: Progress
    checkpoints: Checkpoints = field(default_factory=Nowhere)
    stream: Stream | None = None
    history: dict[str, list[float]] = field(default_factory=dict)
    notes: dict[str, float] = field(default_factory=dict)
    _tallies: list[Tally] = field(default_factory=list)
    _seen: list[float] = field(default_factory=list)
    _steps: list[int] = field(default_factory=list)
    _best: tuple[Trainable, Any] | None = None
    _passes: np.ndarray = field(default_factory=lambda: np.zeros(2))

    def going(
        self, split: Split, rest: Any, buffers: Any
    ) -> Generator[Ask, Answer, tuple[Trainable, Any]]:
        """What training makes of these numbers. Raises `Diverged`."""
        recipe = self.recipe
        state = on_all(training.start(recipe, split, rest, buffers), recipe.devices)
        state, step, elapsed = self._resumed(state)
        began, ended = time.monotonic() - elapsed, {}
        windows = iter(self.stream.windows(self._legs(step)) if self.stream else ())
        while step < recipe.steps and not ended:
            stop = self._end_of_leg(step)
            state = yield from self._leg(state, step, stop, next(windows, None))
            step = stop
            if self._is_time_to_evaluate(step):
                self._evaluate(state, step)
                if self._has_no_patience_left():
                    ended = {"stopped_early": 1.0}
            if self.rules.cap is not None and time.monotonic() - began >= self.rules.cap:
                ended = ended or {"capped": 1.0}
            if self.checkpoints.is_due and not ended:
                self._save(state, step, time.monotonic() - began)
        if self._tallies:
            self._evaluate(state, step)
        self.notes |= {"steps": step, **ended}
        self.notes |= dict(zip(("forwards", "backwards"), map(float, self._passes), strict=True))
        if self._best is not None:
            self.notes["best_step"] = self._steps[int(np.nanargmax(self._seen))]
            return self._best
        return self._made(state)

    def _made(self, state: State) -> tuple[Trainable, Any]:
        """What training has made until now, for programs of one device."""
        made = training.finished(self.recipe, whole(state))
        return on_first(made, self.recipe.devices)

    def _save(self, state: State, step: int, elapsed: float) -> None:
        """Keep where the training stands: all that the steps to come depend on."""
        about = {
            "step": step,
            "elapsed": elapsed,
            "cuts": self.recipe.cuts,
            "window": self.stream and self.stream.steps,
            "history": self.history,
            "tallies": [jax.tree.map(float, tally)._asdict() for tally in self._tallies],
            "seen": self._seen,
            "steps": self._steps,
            "passes": self._passes.tolist(),
            "has_best": self._best is not None,
        }
        state = on_first(whole(state), self.recipe.devices)
        self.checkpoints.save(step, (state, self._best_or(state)), about)

    def _resumed(self, state: State) -> tuple[State, int, float]:
        """Where to go on from, how many steps are done, and the seconds they took."""
        found = self.checkpoints.restore((state, self._best_or(state)))
        apart = (self.recipe.cuts, self.stream and self.stream.steps)
        if found is None or tuple(map(found[1].get, ("cuts", "window"))) != apart:
            return state, 0, 0.0
        (state, best), about = found
        self.history = about["history"]
        self._tallies = [Tally(**jax.tree.map(np.float32, one)) for one in about["tallies"]]
        self._seen, self._steps = about["seen"], about["steps"]
        self._passes = np.array(about["passes"])
        self._best = best if about["has_best"] else None
        return on_all(state, self.recipe.devices), about["step"], about["elapsed"]

    def _best_or(self, state: State) -> tuple[Trainable, Any] | tuple[()]:
        """The best network until now, or one of its form; nothing where none is kept."""
        if not self.rules.keep_best:
            return ()
        return self._best or training.finished(self.recipe, state)

    def _end_of_leg(self, step: int) -> int:
        every = self.rules.evaluate_every
        ends = [self.recipe.steps_per_epoch, every]
        if self.rules.cap is not None or not self._looped:
            ends.append(LOOK)
        most = self.stream.steps if self.stream else self.recipe.steps
        return min(
            self.recipe.steps, step + most, *((step // length + 1) * length for length in ends)
        )

    def _legs(self, step: int) -> Sequence[tuple[int, int]]:
        """The legs to come, from a step on."""
        made: list[tuple[int, int]] = []
        while step < self.recipe.steps:
            made.append((step, self._end_of_leg(step)))
            step = made[-1][1]
        return made

    @property
    def _looped(self) -> bool:
        return training.loops_in_program(self.recipe.model)

    def _leg(
        self, state: State, step: int, stop: int, window: Window | None
    ) -> Generator[Ask, Answer, State]:
        epoch = np.full((), step // self.recipe.steps_per_epoch, np.int32)
        order = batches.epoch_order(self.supply.batches, epoch, count=len(self.supply.labels))
        answer = yield Ask(
            program=(self.recipe.program, self._looped),
            function=training.body(self.recipe, looped=self._looped),
            compiled=training.program(self.recipe, looped=self._looped),
            state=state,
            supply=self.supply,
            leg=lambda stop: Leg(order, np.full((), stop, np.int32), window),
            first=step,
            last=stop,
            total=self.recipe.steps,
            looped=self._looped,
            streamed=window is not None,
        )
        self._tallies.extend(answer.seen)
        loss = float(self._tallies[-1].loss) / (stop - step if self._looped else 1)
        if not np.isfinite(loss):
            raise Diverged(
                f"the loss is {loss} at step {stop} of {self.recipe.steps}; a smaller learning "
                "rate or a warm-up usually mends this"
            )
        self.progress(stop, self.recipe.steps, {"loss": loss})
        return answer.state

    def _is_time_to_evaluate(self, step: int) -> bool:
        return step % self.rules.evaluate_every == 0 or step == self.recipe.steps

    def _evaluate(self, state: State, step: int) -> None:
        """Record what the steps since the last evaluation saw, and watch the network."""
        total = jax.tree.map(_total, *self._tallies)
        self._tallies.clear()
        self._passes += (total.forwards, total.backwards)
        recipe = self.recipe
        before = self._steps[-1] if self._steps else 0
        taken = step - before
        rate = recipe.by.rate(
            total_steps=max(recipe.steps // recipe.accumulate, 1),
            steps_per_epoch=recipe.steps_per_epoch / recipe.accumulate,
        )
        now = {
            "epoch": step / recipe.steps_per_epoch,
            "loss": total.loss / taken,
            **({"train_accuracy": total.correct / total.examples} if recipe.classes > 1 else {}),
            "rate": float(rate((step - 1) // recipe.accumulate)),
            **{name: value / taken for name, value in total.curves.items()},
        }
        made = self._made(state)
        now |= self.rules.watch(*made)
        for name, value in now.items():
            self.history.setdefault(name, []).append(value)
        self._steps.append(step)
        self._keep(made, now)
        self.progress(step, recipe.steps, now)

    def _keep(self, made: tuple[Trainable, Any], now: dict[str, float]) -> None:
        if self.rules.goal is None:
            return
        value = now[self.rules.goal] * (-1 if self.rules.lower_is_better else 1)
        is_best = not self._seen or not value <= np.nanmax(self._seen)
        self._seen.append(value)
        if is_best and self.rules.keep_best:
            # The next step takes the state's memory over.
            self._best = jax.tree.map(jnp.copy, made)

    def _has_no_patience_left(self) -> bool:
        stop = self.rules.stop
        return stop is not None and stop.is_over(
            self._seen,
            self._steps,
            total_steps=self.recipe.steps,
            per_epoch=self.recipe.steps_per_epoch,
        )


def _total(*parts: Any) -> float:
    return float(parts[0] if len(parts) == 1 else np.sum(np.asarray(parts)))


def within_memory(
    course: Course, split: Split, rest: Any, buffers: Any
) -> Generator[Ask, Answer, tuple[Any, Course]]:
    """Run a training, in ever smaller pieces of a batch where memory runs out.

    It begins again from the start, so that its numbers are those of one training throughout.
    """
    while True:
        try:
            return (yield from course.going(split, rest, buffers)), course
        except jax.errors.JaxRuntimeError as failure:
            if "RESOURCE_EXHAUSTED" not in str(failure):
                raise
            if course.recipe.cuts >= course.recipe.batch:
                raise MemoryError(
                    "there is no memory for a single example; take a smaller model, or `bf16`"
                ) from failure
        cuts = min(2 * course.recipe.cuts, course.recipe.batch)
        recipe = replace(course.recipe, cuts=cuts)
        rules, supply, progress = course.rules, course.supply, course.progress
        course = Course(recipe, rules, supply, progress, course.checkpoints, course.stream)
        course.notes["pieces_of_a_batch"] = float(cuts)
