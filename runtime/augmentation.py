"""Changes to a training batch that keep its labels, made inside the compiled program."""

from abc import ABC, abstractmethod

from jaxtyping import Array, PRNGKeyArray, Shaped


class Augmentation(ABC):
    """One change. Final classes are components, one file each."""

    @abstractmethod
    def apply(
        self, images: Shaped[Array, "n h w c"], key: PRNGKeyArray
    ) -> Shaped[Array, "n h w c"]:
        """The changed images, of the same shape and dtype. Traceable."""
