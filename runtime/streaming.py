"""Training examples that are too many for a device: read window by window, ahead of the steps.

A window is what a leg's steps read, in the order of the epoch. grain reads the next one while the
device takes the steps of this one. A batch has the same examples, changed by the same random
numbers, as if all of them lay on the device, so that which way a run goes is no part of its key.
The weights are the same within rounding, since the compiler sees another program; as runs compile
on a processor, all that was compared was the same to the bit. Of images that wait in a file
(`lab.runtime.folders.pictures`), the host holds no more than the device.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import jax
import numpy as np
from jaxtyping import Int

from lab.compiler.facts import PARTS_FOR_EXAMPLES, WINDOW_BYTES
from lab.runtime.augmentation import around, beforehand
from lab.runtime.batches import epoch_order
from lab.runtime.dataset import Dataset
from lab.runtime.recipe import Recipe, Window
from lab.runtime.rows import Rows
from lab.runtime.work import Work


def streamed(dataset: Dataset, recipe: Recipe, work: Work) -> "Stream | None":
    """The training inputs as a stream; None where they fit on the device."""
    if fits(dataset, work):
        return None
    key, count = work.stream("batches"), len(dataset.train.labels)

    @lru_cache(2)
    def order(epoch: int) -> Int[np.ndarray, " examples"]:
        return np.asarray(epoch_order(key, np.full((), epoch, np.int32), count=count))

    inputs = dataset.train.inputs
    margin = beforehand(recipe.augment, inputs[:1])
    return Stream(inputs, recipe.batch, recipe.steps_per_epoch, order, margin)


def fits(dataset: Dataset, work: Work, *, copies: int = 1) -> bool:
    """Whether the training inputs, so many times, leave enough of the memory to the rest."""
    limits = [one for one in (work.memory_bytes, _device_bytes()) if one is not None]
    needed = copies * dataset.train.inputs.nbytes * PARTS_FOR_EXAMPLES
    return not limits or needed <= min(limits)


def _device_bytes() -> float | None:
    """The memory of the device; of the whole machine, where that is a processor."""
    if jax.default_backend() != "cpu":
        said = jax.local_devices()[0].memory_stats() or {}
        return said.get("bytes_limit")
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError):  # a system that does not say
        return None


@dataclass(frozen=True)
class Stream:
    """Inputs of a training set, to be read in batches; `order` is that of an epoch's examples.

    Windows have images with a black `margin` of so many pixels.
    """

    inputs: np.ndarray | Rows
    batch: int
    steps_per_epoch: int
    order: Callable[[int], Int[np.ndarray, " examples"]]
    margin: int = 0

    @property
    def steps(self) -> int:
        """Steps of a window."""
        bytes_of_step = self.batch * self.inputs.nbytes / len(self.inputs)
        return min(max(1, int(WINDOW_BYTES / bytes_of_step)), self.steps_per_epoch)

    def windows(self, legs: Sequence[tuple[int, int]]) -> Iterable[Window]:
        """The window of each leg, which has `steps` at most, all of one epoch.

        Args:
            legs: first step of each, and the step after its last.
        """
        import grain  # which takes longer to import than many runs do

        # One is read while one is in use: memory is what there is too little of.
        ahead = grain.ReadOptions(num_threads=1, prefetch_buffer_size=1)
        read = grain.MapDataset.source(_Legs(self, legs)).to_iter_dataset(ahead)
        firsts = (np.full((), first, np.int32) for first, _ in legs)
        return map(Window, firsts, map(jax.device_put, read))


@dataclass(frozen=True)
class _Legs:
    """What grain reads: the inputs of one leg after another."""

    stream: Stream
    legs: Sequence[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.legs)

    def __getitem__(self, place: int) -> np.ndarray:
        first, stop = self.legs[place]
        epoch, step = divmod(first, self.stream.steps_per_epoch)
        batch = self.stream.batch
        rows = self.stream.order(epoch)[step * batch : (step + stop - first) * batch]
        # All windows have one shape, so that one program takes them: a short one is filled up.
        missing = self.stream.steps * batch - len(rows)
        window = self.stream.inputs[np.pad(rows, (0, missing), mode="edge")]
        margin = self.stream.margin
        return np.pad(window, around(margin)) if margin else window
