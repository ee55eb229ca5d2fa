"""AST, adaptive sparse training: only examples above a moving threshold are trained on.

    score = loss + w_H entropy(softmax(logits)),   active where score >= tau

A controller holds the share of active examples at its target r. With e = measured - target,

    pi:        tau = tau + w (kp e + ki sum e)     w a warm-up of both gains
    quantile:  tau = tau + w kp e                  stochastic approximation of the 1 - r quantile
    topk:      the ceil(r B) highest scores        exact, nothing to tune

A rate that is too high raises the threshold: with the other sign it runs away. Scores are
normalized by a running mean and spread, so that the gains mean the same early and late; the sum of
errors is bounded (anti-windup); tau starts at the 1 - r quantile of the first batch. At most
k = ceil(r B) rows, those with the highest scores, are gathered and run backwards; of these the ones
below the threshold have no share in the mean, but for `min_active`.

With `reweight`, k rows are drawn with probabilities in proportion to their scores and weighted by
one over them (systematic sampling, Madow 1949), so that gradients are unbiased.
"""

import math
from collections.abc import Mapping
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from lab.runtime.clock import Clock
from lab.runtime.selector import Choice, Memory, Selector
from lab.spec.declare import Schedule, Share, component, parameter

#: Share of the running mean and spread of scores that is kept at a step.
KEPT = 0.95
#: Errors that are added up at most, in steps with all active. With more, a rate that was off for
#: long swings to the other side for as long.
WINDUP = 1.0
#: The least chance of an example to be drawn, over that of an even draw.
FLOOR = 0.1


@component(
    "ast",
    kind="selector",
    streams=("batches",),
    facts="lab.runtime.facts.training:scored_first",
    curves=("threshold", "activation_rate"),
)
class AST(Selector):
    """Examples whose loss and entropy are above a threshold that holds their share at `target`.

    Example:
        >>> AST(target=0.25).count(100)
        25
    """

    target: Share = parameter(0.25, "share of the examples to train on", above=0, high=1)
    entropy: float = parameter(1.0, "weight of the prediction's entropy", low=0, traced=True)
    kp: float = parameter(0.1, "gain of the error", low=0, traced=True)
    ki: float = parameter(0.01, "gain of the sum of errors", low=0, traced=True)
    warmup: Schedule = parameter(1.0, "what both gains are multiplied with", low=0, traced=True)
    min_active: int = parameter(4, "examples of a batch at least", low=1)
    reweight: bool = parameter(False, "draw at random, and make up for it in the weights")
    controller: Literal["pi", "quantile", "topk"] = parameter("pi", "how the threshold moves")

    def count(self, batch: int) -> int:
        """The target's share of the batch, rounded up, and `min_active` at least."""
        # A hair less, because 0.1 · 30 is a little more than 3.
        return min(batch, max(math.ceil(self.target * batch - 1e-9), self.min_active))

    @property
    def needs_losses(self) -> bool:
        """Every example is scored."""
        return True

    def score(
        self, losses: Float[Array, " batch"], logits: Float[Array, "batch classes"]
    ) -> Float[Array, " batch"]:
        """Loss, and the entropy of the prediction."""
        surprise = -jax.nn.log_softmax(logits)
        return losses + self.entropy * jnp.sum(jnp.exp(-surprise) * surprise, axis=1)

    def begin(self) -> Memory:
        """No batch seen."""
        names = ("threshold", "errors", "mean", "spread", "seen", "rate")
        return {name: jnp.zeros((), jnp.float32) for name in names}

    def curves(self, memory: Memory) -> Mapping[str, Array]:
        """The threshold in units of scores, and the share of a batch above it."""
        threshold = memory["mean"] + memory["threshold"] * memory["spread"]
        return {"threshold": threshold, "activation_rate": memory["rate"]}

    def select(
        self,
        scores: Float[Array, " batch"] | None,
        memory: Memory,
        key: PRNGKeyArray,
        *,
        batch: int,
        clock: Clock,
    ) -> Choice:
        """The highest scores above the threshold, and where the threshold moves."""
        if scores is None:
            raise TypeError("this selector needs losses")
        capacity = self.count(batch)
        normal = self._normalized(scores, memory)
        start = jnp.quantile(normal["scores"], 1 - self.target)
        threshold = _where_first(memory["seen"], start, memory["threshold"])
        high: Bool[Array, " batch"] = normal["scores"] >= threshold
        rate = capacity / batch if self.controller == "topk" else jnp.mean(high)
        moved = self._controlled(memory, threshold, rate, clock)
        moved |= {name: normal[name] for name in ("mean", "spread", "seen")}
        moved["rate"] = jnp.asarray(rate, jnp.float32)
        if self.reweight:
            return Choice(*_drawn(normal["scores"], key, capacity), moved)
        _, rows = jax.lax.top_k(scores, capacity)
        active = high[rows] | (jnp.arange(capacity) < self.min_active)
        if self.controller == "topk":
            active = jnp.ones(capacity, bool)
        return Choice(rows, active * (capacity / jnp.sum(active)), moved)

    def _normalized(self, scores: Float[Array, " batch"], memory: Memory) -> Memory:
        mean, spread = jnp.mean(scores), jnp.std(scores)
        mean = _where_first(memory["seen"], mean, KEPT * memory["mean"] + (1 - KEPT) * mean)
        spread = _where_first(memory["seen"], spread, KEPT * memory["spread"] + (1 - KEPT) * spread)
        scaled = (scores - mean) / jnp.maximum(spread, 1e-12)
        return {"scores": scaled, "mean": mean, "spread": spread, "seen": memory["seen"] + 1}

    def _controlled(
        self, memory: Memory, threshold: Array, rate: Array | float, clock: Clock
    ) -> Memory:
        error = rate - self.target
        errors = jnp.clip(memory["errors"] + error, -WINDUP, WINDUP)
        ki = self.ki if self.controller == "pi" else 0.0
        move = clock.value(self.warmup) * (self.kp * error + ki * errors)
        return {"threshold": threshold + move, "errors": errors}


def _where_first(seen: Array, first: Array, later: Array) -> Array:
    return jnp.where(seen == 0, first, later)


def _drawn(
    scores: Float[Array, " batch"], key: PRNGKeyArray, count: int
) -> tuple[Array, Float[Array, " count"]]:
    """So many rows with chances by their scores, and what makes their mean unbiased."""
    chances = chances_of(scores - jnp.min(scores), count)
    marks = jax.random.uniform(key) + jnp.arange(count)
    ends = jnp.cumsum(chances)
    rows = jnp.searchsorted(ends * (count / ends[-1]), marks, side="right")
    rows = jnp.minimum(rows, len(scores) - 1)
    return rows, count / (len(scores) * chances[rows])


def chances_of(worth: Float[Array, " batch"], count: int) -> Float[Array, " batch"]:
    """Chances in proportion to worth, one at most, that add up to the count; none is too small."""
    floor = FLOOR * jnp.mean(worth) + 1e-6
    ranked, order = jax.lax.top_k(worth + floor, len(worth))
    left = jnp.cumsum(ranked[::-1])[::-1]
    # The i first ones are certain where, scaled to the rest of the count, the next is not.
    scale = (count - jnp.arange(len(worth))) / left
    first = jnp.argmax(scale * ranked <= 1 + 1e-6)
    chances = jnp.minimum(scale[first] * ranked, 1.0)
    chances = jnp.where(jnp.arange(len(worth)) < first, 1.0, chances)
    return jnp.zeros_like(worth).at[order].set(chances)
