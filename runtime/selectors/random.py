"""A random subset of the batch: what a cleverer choice has to beat."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from lab.runtime.clock import Clock
from lab.runtime.selector import Choice, Memory, Selector
from lab.spec.declare import Share, component, parameter


@component(
    "random",
    kind="selector",
    streams=("batches",),
    facts="lab.runtime.facts.training:a_share",
    curves=(),
)
class Random(Selector):
    """`ceil(rate · batch)` rows, all equally likely.

    Example:
        >>> Random(rate=0.25).count(10)
        3
    """

    rate: Share = parameter(0.25, "share of the batch", above=0, high=1)

    def count(self, batch: int) -> int:
        """The share of the batch, rounded up."""
        return math.ceil(self.rate * batch)

    def select(
        self,
        scores: Float[Array, " batch"] | None,
        memory: Memory,
        key: PRNGKeyArray,
        *,
        batch: int,
        clock: Clock,
    ) -> Choice:
        """Rows without repetition, equally weighted."""
        del scores, clock
        rows = jax.random.permutation(key, batch)[: self.count(batch)]
        return Choice(rows, jnp.ones(self.count(batch)), memory)
