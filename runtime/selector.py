"""Which examples of a batch are worth a backward pass.

The number of examples kept is known before anything runs, so that the chosen rows are gathered and
nothing is computed for the others; a mask over a full batch would save nothing.
"""

from abc import ABC, abstractmethod

from jaxtyping import Array, Float, Int, PRNGKeyArray


class Selector(ABC):
    """A rule that chooses. Final classes are components, one file each."""

    @abstractmethod
    def count(self, batch: int) -> int:
        """How many of a batch are chosen: static, at least one."""

    @abstractmethod
    def select(
        self, losses: Float[Array, " batch"] | None, key: PRNGKeyArray, *, batch: int
    ) -> tuple[Int[Array, " chosen"], Float[Array, " chosen"]]:
        """Rows and their weights in the mean. `losses` is None unless `needs_losses`."""

    @property
    def needs_losses(self) -> bool:
        """Whether every example is run forward once before the choice."""
        return False

    @property
    def takes_all(self) -> bool:
        """Whether the choice is the whole batch as it stands."""
        return False
