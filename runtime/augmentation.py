"""Changes to a training batch, made inside the compiled program."""

from abc import ABC, abstractmethod
from typing import ClassVar

from jaxtyping import Array, PRNGKeyArray, Shaped

from lab.runtime.loss import Targets


class Augmentation(ABC):
    """One change. Final classes are components, one file each."""

    #: Whether examples are mixed, so that a target is the shares of all classes.
    mixes: ClassVar[bool] = False

    @abstractmethod
    def apply(
        self, images: Shaped[Array, "n h w c"], key: PRNGKeyArray
    ) -> Shaped[Array, "n h w c"]:
        """The changed images, of the same shape and dtype. Traceable."""

    def mixed(
        self, images: Shaped[Array, "n h w c"], targets: Targets, key: PRNGKeyArray
    ) -> tuple[Shaped[Array, "n h w c"], Targets]:
        """The changed images and their targets, which stay unless this one mixes."""
        return self.apply(images, key), targets
