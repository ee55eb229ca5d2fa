"""Every example of the batch: the case that other selectors are compared with."""

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from lab.runtime.clock import Clock
from lab.runtime.selector import Choice, Memory, Selector
from lab.spec.declare import component


@component("all", kind="selector", facts="lab.runtime.facts.training:everything", curves=())
class All(Selector):
    """The whole batch.

    Example:
        >>> All().count(128)
        128
    """

    def count(self, batch: int) -> int:
        """All of them."""
        return batch

    def select(
        self,
        scores: Float[Array, " batch"] | None,
        memory: Memory,
        key: PRNGKeyArray,
        *,
        batch: int,
        clock: Clock,
    ) -> Choice:
        """Every row, equally weighted."""
        del scores, key, clock
        return Choice(jnp.arange(batch), jnp.ones(batch), memory)

    @property
    def takes_all(self) -> bool:
        """The batch as it stands."""
        return True
