"""What a stage makes: a model whose weights are a function of the numbers kept here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jaxtyping import Array

from lab.runtime.reparameterization import Split
from lab.spec.values import Value


@dataclass(frozen=True)
class Artifact:
    """A model in the middle of a method.

    `model` and `through` are resolved values (`lab.spec.values`) of the network's definition and of
    the reparameterization, None for plain weights. `split` holds the numbers of the weights that
    `through` was given, `rest` the other parameters as they are, `buffers` batch statistics.
    `shapes` are those of the weights behind `split`. `history` maps a curve's name to its values,
    `notes` a name to a number worth recording (the R² of a fit).

    Always holds: paths of materialized weights and of `rest` together are the model's parameters.
    """

    model: Mapping[str, Value]
    through: Mapping[str, Value] | None
    split: Split
    rest: Mapping[str, Array]
    buffers: Mapping[str, Array]
    shapes: Mapping[str, tuple[int, ...]]
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)
    notes: Mapping[str, float] = field(default_factory=dict)
