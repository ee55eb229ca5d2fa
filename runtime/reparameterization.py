"""Weights as a function of other numbers: the interface of every compression method here.

A reparameterization answers seven questions about a flat `{path: array}` of the weights that it was
given. Storage belongs to `lab.runtime.packed`: a method says which numbers it ships and in how many
bits, and never how large that is.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Array, PRNGKeyArray

from lab.runtime import patterns
from lab.runtime.patterns import NO_PARTS, Parts

Weights = Mapping[str, Array]


class Split(NamedTuple):
    """The numbers a method works with, as flat `{name: array}`.

    `train` is optimized; `fixed` is not (a mask, LoRA's base, the mean of a field's target). Both
    are pytrees of arrays and nothing else, so that a split is a checkpoint.
    """

    train: dict[str, Array]
    fixed: dict[str, Array]


@dataclass(frozen=True)
class Stream:
    """Numbers to ship: `values` of any shape, each in `bits` bits.

    Always holds: integers (signed or unsigned dtype, or bool with 1 bit) fit their bits, signed
    ones in two's complement; floats have 16 or 32 bits.
    """

    values: np.ndarray
    bits: int


#: `{path: {field: stream}}`; a path is a weight's, or one of the method's own for shared numbers.
Packed = Mapping[str, Mapping[str, Stream]]
#: Shapes and dtypes of the weights to be rebuilt; a header of the file, and counted.
Shapes = Mapping[str, tuple[int, ...]]


class Reparameterization(ABC):
    """Weights as a function of `Split.train`. Final classes are components, one file each."""

    #: Groups whose numbers decide bit widths; a training may stop them before its end.
    bit_groups: ClassVar[tuple[str, ...]] = ()

    def choose(self, weights: Weights, parts: Parts = NO_PARTS) -> tuple[str, ...]:
        """Paths of the weights it takes: all tensors, that is, two dimensions or more.

        `parts` are the patterns of the model's stem and head (`Model.parts`). Raises
        `UnsuitableWeights` where there is nothing to take.
        """
        del parts
        return patterns.choose(weights)

    @abstractmethod
    def init(self, weights: Weights, *, key: PRNGKeyArray) -> Split:
        """The numbers to start from. Raises `UnsuitableWeights` naming what it cannot take."""

    @abstractmethod
    def materialize(self, split: Split) -> dict[str, Array]:
        """The weights: pure, differentiable; paths, shapes and dtypes of those given to `init`."""

    def while_training(self, split: Split, *, key: PRNGKeyArray) -> dict[str, Array]:
        """The weights as one step of training sees them; `key` is the step's, for dropout."""
        del key
        return self.materialize(split)

    def labels(self, split: Split) -> dict[str, str]:
        """The optimizer group of every entry of `split.train`."""
        return dict.fromkeys(split.train, "weights")

    def penalty(self, split: Split) -> Array | float:
        """A scalar added to the loss."""
        return 0.0

    def curves(self, split: Split) -> Mapping[str, float]:
        """What is worth a curve while it is trained, by name: bits, a share of zeros."""
        del split
        return {}

    def rounded(self, split: Split) -> Split:
        """The split as shipping rounds it. Idempotent."""
        return split

    @abstractmethod
    def pack(self, split: Split) -> Packed:
        """What is shipped, on the host."""

    @abstractmethod
    def unpack(self, packed: Packed, shapes: Shapes) -> dict[str, np.ndarray]:
        """The weights in float32 from what was shipped alone, equal to `materialize(rounded)`."""
