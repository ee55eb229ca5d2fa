"""What a format is given, what it wrote, and how that is loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lab.runtime.bridge.export.networks import Network
from lab.runtime.bridge.export.subject import Subject


@dataclass(frozen=True)
class Job:
    """What is to be written: a model, its torch side, and the inputs of a batch.

    `dense` folds codes into float32 weights where a format would keep them; `shrink` takes out
    channels that change no logit, and does so too.
    """

    subject: Subject
    network: Network
    inputs: Mapping[str, np.ndarray]
    dense: bool = False
    shrink: bool = False


@dataclass(frozen=True)
class Written:
    """An export as it lies in its folder.

    `weights` are the files whose bytes are the model's. `code` is what a user writes, in that
    folder, until `logits` are computed; `needs` are the packages that it imports. `whole` counts
    the arrays of whole-number codes in the weights. `tensors` says whether inputs are torch's or
    numpy's. `base` are files that a user may have from elsewhere.
    """

    weights: tuple[str, ...]
    code: tuple[str, ...]
    needs: tuple[str, ...]
    notes: Sequence[str] = field(default=())
    whole: int = 0
    tensors: bool = True
    base: tuple[str, ...] = ()
