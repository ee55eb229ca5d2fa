"""Changes to a training batch, made inside the compiled program."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray, Shaped

from lab.runtime.loss import Targets

#: Bytes of images up to which a data set is given a margin: a second copy of them is kept.
WIDENED = 2**29


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


class Windows(Augmentation):
    """A change that takes a window of an image's own size out of the image with a black margin.

    Where such a change comes first, its windows can be cut straight out of a data set that was
    given the margin beforehand: each pixel is then read once, which on a CPU takes a third of the
    time. The windows are the same.
    """

    @property
    @abstractmethod
    def margin(self) -> int:
        """Black pixels on every side of an image."""

    @abstractmethod
    def corners(self, count: int, key: PRNGKeyArray) -> Int[Array, "n 2"]:
        """The upper left pixel of each window, within the image and its margin."""

    def apply(
        self, images: Shaped[Array, "n h w c"], key: PRNGKeyArray
    ) -> Shaped[Array, "n h w c"]:
        """A window of every image, each at its own place."""
        count, *size = images.shape

        def window(image: Array, corner: Array) -> Array:
            return jax.lax.dynamic_slice(image, (corner[0], corner[1], 0), size)

        return jax.vmap(window)(jnp.pad(images, around(self.margin)), self.corners(count, key))

    def cut(
        self, wide: Shaped[Array, "examples ..."], rows: Int[Array, " n"], key: PRNGKeyArray
    ) -> Shaped[Array, "n h w c"]:
        """What `apply` makes of some rows of a data set, whose images have the margin already."""
        examples, height, width, channels = wide.shape
        lines = wide.reshape(examples, height, width * channels)
        height, width = height - 2 * self.margin, width - 2 * self.margin

        def window(first: Array) -> Array:
            return jax.lax.dynamic_slice(lines, first, (1, height, width * channels))

        corners = self.corners(len(rows), key) * jnp.array([1, channels])
        firsts = _settled(jnp.concatenate([rows[:, None], corners], axis=1))
        return jax.vmap(window)(firsts).reshape(len(rows), height, width, channels)


def _settled(places: Int[Array, "n 3"]) -> Int[Array, "n 3"]:
    """The same places, none of them negative, in memory before anything reads them.

    XLA would else find each place anew for every byte it copies, at eight times the cost. The loop
    never runs, which the compiler cannot know.
    """
    return jax.lax.while_loop(lambda some: some[0, 0] < 0, lambda some: some + 1, places)


def around(margin: int) -> tuple[tuple[int, int], ...]:
    """What `pad` adds to images `(n, h, w, c)` for a margin of so many pixels."""
    return ((0, 0), (margin, margin), (margin, margin), (0, 0))


def beforehand(augment: Sequence[Augmentation], inputs: Shaped[np.ndarray, "examples ..."]) -> int:
    """The margin that a data set is to be given once, before these changes; 0 for none.

    It takes memory, and gains on a CPU alone.
    """
    first = augment[0] if augment else None
    if not isinstance(first, Windows) or jax.default_backend() != "cpu":
        return 0
    return first.margin if inputs.ndim == 4 and inputs.nbytes <= WIDENED else 0
