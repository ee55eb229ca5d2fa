"""What a data source yields: plain arrays with labels, known by a checksum.

Sets that fit in memory are arrays from the start: indexing them costs nothing beside a step of
training, and they move to the device once. Decoded images are a file
of which parts are read where all of it is too much.
"""

import hashlib
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Array

from lab.runtime.errors import BadData
from lab.runtime.rows import Rows

SplitName = Literal["train", "validation", "test"]


class Examples(NamedTuple):
    """Inputs and labels. Always holds: as many of one as of the other.

    Labels are classes from 0 on, int32, or finite numbers that a model is to find, float32. Inputs
    are images `(n, rows, columns, channels)`, features `(n, count)`, or texts as tokens, int32
    `(n, 3, length)` with the planes token, attention mask, token type.
    """

    inputs: np.ndarray | Rows
    labels: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """The splits of a data set. `validation` was carved out of the training examples, or is None.

    `content` is the checksum of the whole source, before any carving. `classes` is 1 where labels
    are numbers. Images are kept as they are and shown to a model with sides of `side` pixels, where
    that is not None: the program resizes a batch, so that a set takes no more memory by it.
    """

    train: Examples
    test: Examples
    classes: int
    content: str
    validation: Examples | None = None
    side: int | None = None

    def on_device(self, margin: int = 0) -> tuple[Array, Array]:
        """The training examples, moved to the device once for all that train on them.

        Images can have a black margin of so many pixels around them.
        """
        if margin not in self._moved:
            import jax

            from lab.runtime.augmentation import around

            inputs = self.train.inputs[:]
            if margin:
                inputs = np.pad(inputs, around(margin))
            self._moved[margin] = jax.device_put((inputs, self.train.labels))
        return self._moved[margin]

    @cached_property
    def _moved(self) -> dict[int, tuple[Array, Array]]:
        return {}

    def split(self, name: SplitName) -> Examples:
        """The split of a name, as a model sees it. Raises `BadData` where there is none."""
        found = getattr(self, name)
        if found is None:
            raise BadData(
                f"the data has no {name} split: ask for one where it is declared, "
                "as in `cifar10(validation: 5k)`"
            )
        if self.side is None:
            return found
        from lab.runtime.resizing import Resized

        return found._replace(inputs=Resized(found.inputs, self.side))


def resized_to(dataset: Dataset, size: int) -> Dataset:
    """The data set whose images are shown with sides of `size` pixels."""
    same = dataset.train.inputs.shape[1:3] == (size, size)
    return dataset if same else replace(dataset, side=size)


def with_validation(whole: Dataset, count: int) -> Dataset:
    """The data set with so many training examples set aside for validation; 0 for none."""
    if count == 0:
        return whole
    if whole.validation is not None:
        raise BadData(
            "the data has a validation split of its own: leave `validation:` out to use it"
        )
    left, aside = carve(whole.train, count)
    return replace(whole, train=left, validation=aside)


class Data(ABC):
    """A data source. Final classes are components, one file each."""

    #: What is done to a training batch, in order; a source that lets a study choose has a field.
    augment = ()

    @abstractmethod
    def load(self) -> Dataset:
        """All of it, in memory. Raises `BadData` or `NoNetwork`, saying what to put where."""

    def loaded(self) -> Dataset:
        """All of it, read once for the runs that a process does one after another."""
        return _loaded(self)


#: Of what is in a file, so much is read at a time to know its checksum.
_BYTES_AT_ONCE = 2**24
#: Sets of which a process keeps the arrays: what a run trains on, and what it is scored on.
_SETS_KEPT = 2


@lru_cache(_SETS_KEPT)
def _loaded(data: Data) -> Dataset:
    return data.load()


def data_folder() -> Path:
    """Where data sets are looked for and kept: `LAB_DATA`, else the user's cache."""
    return Path(os.environ.get("LAB_DATA") or Path.home() / ".cache" / "lab" / "data")


def content_of(train: Examples, test: Examples) -> str:
    """The checksum that names a data set: the same for the same arrays, wherever they came from.

    Example:
        >>> few = Examples(np.zeros((1, 2), np.uint8), np.zeros(1, np.int32))
        >>> content_of(few, few)[:14]
        'sha256:ab9e5be'
    """
    digest = hashlib.sha256()
    for array in (*train, *test):
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        rows = max(1, _BYTES_AT_ONCE * len(array) // max(1, array.nbytes))
        for first in range(0, len(array), rows):
            digest.update(np.ascontiguousarray(array[first : first + rows]))
    return "sha256:" + digest.hexdigest()


def carve(train: Examples, count: int, *, seed: int = 0) -> tuple[Examples, Examples]:
    """What is left of the examples, and `count` random ones of them; both keep their order.

    The choice depends on the seed and the number of examples alone. Raises `BadData` when there are
    not enough.
    """
    total = len(train.labels)
    if count >= total:
        raise BadData(f"{count} examples are to be set aside, and there are only {total}")
    chosen = np.zeros(total, bool)
    chosen[np.random.RandomState(seed).permutation(total)[:count]] = True
    return _those(train, ~chosen), _those(train, chosen)


def _those(examples: Examples, chosen: np.ndarray) -> Examples:
    """Some of the examples; what is in a file is not read for it."""
    inputs, labels = examples
    some = inputs.only(chosen) if isinstance(inputs, Rows) else inputs[chosen]
    return Examples(some, labels[chosen])
