"""Every example of the batch: the case that other selectors are compared with."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lab.runtime.selector import Selector
from lab.spec.declare import component


@component("all", kind="selector", facts="lab.runtime.facts.training:everything")
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
        self, losses: Float[Array, " batch"] | None, key: PRNGKeyArray, *, batch: int
    ) -> tuple[Int[Array, " chosen"], Float[Array, " chosen"]]:
        """Every row, equally weighted."""
        del losses, key
        return jnp.arange(batch), jnp.ones(batch)

    @property
    def takes_all(self) -> bool:
        """The batch as it stands."""
        return True
