"""What a model answers: logits of many examples, and how many answers are right."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache

import jax
import numpy as np
from jaxtyping import Array, Bool, Float

from lab.runtime.dataset import Examples
from lab.runtime.errors import UnsuitableSetting
from lab.runtime.executables import Kept
from lab.runtime.model import Model
from lab.runtime.model import State as Arrays
from lab.runtime.portions import portion
from lab.runtime.recent import Recent


def logits(
    model: Model, params: Arrays, buffers: Arrays, inputs: np.ndarray
) -> Float[np.ndarray, "n k"]:
    """Logits of all inputs, in evaluation mode."""
    forward = _forward(_definition(model))
    parts = [np.asarray(forward(params, buffers, part)) for part in _batches(inputs)]
    return np.concatenate(parts)[: len(inputs)]


def _batches(inputs: np.ndarray) -> Iterable[np.ndarray | Array]:
    if isinstance(inputs, np.ndarray) and inputs.nbytes <= _SMALL_BYTES:
        return _moved.of(inputs, lambda: jax.device_put(list(_cut(inputs))))
    return _cut(inputs)


#: Examples that many networks are scored on are moved to the device once, where they are few.
_SMALL_BYTES = 2**24
_moved: Recent[list[Array]] = Recent(2)


def _cut(inputs: np.ndarray) -> Iterator[np.ndarray]:
    """Batches of one size, the last one filled up; a single one has the size that it has."""
    batch = portion(math.prod(inputs.shape[1:]) * inputs.dtype.itemsize)
    for first in range(0, len(inputs), batch):
        part = inputs[first : first + batch]
        missing = batch - len(part) if len(inputs) > batch else 0
        yield np.concatenate([part, np.repeat(part[:1], missing, axis=0)]) if missing else part


def correct(
    model: Model, params: Arrays, buffers: Arrays, examples: Examples
) -> Bool[np.ndarray, " n"]:
    """Whether each example's largest logit is its label's. Raises `UnsuitableSetting`."""
    if np.issubdtype(examples.labels.dtype, np.floating):
        raise UnsuitableSetting(
            "the labels are numbers, of which none is right or wrong: measure `pearson`, "
            "`spearman` or `loss` in place of accuracy"
        )
    answers = logits(model, params, buffers, examples.inputs).argmax(axis=1)
    return answers == examples.labels


def _definition(model: Model) -> Model:

    return replace(model, weights=None)


@cache
def _forward(model: Model) -> Callable[[Arrays, Arrays, Array], Array]:
    def forward(params: Arrays, buffers: Arrays, inputs: Array) -> Array:
        return model.apply(params, buffers, inputs, train=False)[0]

    return Kept(forward, about=model)
