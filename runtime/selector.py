"""Which examples of a batch are worth a backward pass.

The number of examples kept is known before anything runs, so that the chosen rows are gathered and
nothing is computed for the others; a mask over a full batch would save nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

from jaxtyping import Array, Float, Int, PRNGKeyArray

from lab.runtime.clock import Clock

#: What a selector remembers from step to step, by name.
Memory = dict[str, Array]


class Choice(NamedTuple):
    """Rows of a batch, their shares in the mean, and what is remembered.

    The loss of a step is `sum(shares · losses of the rows) / number of rows`.
    """

    rows: Int[Array, " chosen"]
    shares: Float[Array, " chosen"]
    memory: Memory


class Selector(ABC):
    """A rule that chooses. Final classes are components, one file each."""

    @abstractmethod
    def count(self, batch: int) -> int:
        """How many of a batch are chosen: static, at least one."""

    @abstractmethod
    def select(
        self,
        scores: Float[Array, " batch"] | None,
        memory: Memory,
        key: PRNGKeyArray,
        *,
        batch: int,
        clock: Clock,
    ) -> Choice:
        """The choice. `scores` is None unless `needs_losses`. Traceable, traced once."""

    def begin(self) -> Memory:
        """What is remembered before the first step."""
        return {}

    def score(
        self, losses: Float[Array, " batch"], logits: Float[Array, "batch classes"]
    ) -> Float[Array, " batch"]:
        """How much an example is worth: its loss, unless said otherwise."""
        del logits
        return losses

    def curves(self, memory: Memory) -> Mapping[str, Array]:
        """What of the memory is worth a curve: a threshold, a rate."""
        del memory
        return {}

    @property
    def needs_losses(self) -> bool:
        """Whether every example is run forward once before the choice."""
        return False

    @property
    def takes_all(self) -> bool:
        """Whether the choice is the whole batch as it stands."""
        return False
