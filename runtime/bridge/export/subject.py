"""What is exported: a model that a stage made, and everything that a file about it has to say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from lab.runtime import artifact as artifacts
from lab.runtime import registry
from lab.runtime.artifact import Artifact
from lab.runtime.model import Model
from lab.runtime.reparameterization import Reparameterization
from lab.spec.values import Value


@dataclass(frozen=True)
class Number:
    """A measured number as a card states it: `text` with its unit and interval."""

    name: str
    text: str
    basis: str


@dataclass(frozen=True)
class Origin:
    """Where a model came from.

    `name` is the arm's or the key's, `key` that of the stage that made it, `record` how it was made
    stage by stage, `numbers` what was measured, `model` the arguments of its network as the study
    gave them.
    """

    name: str
    key: str = ""
    study: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)
    numbers: Sequence[Number] = ()
    model: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """A model to export. Always holds: `weights` are those that shipping leaves, on the host."""

    artifact: Artifact
    origin: Origin

    @cached_property
    def model(self) -> Model:
        """The network."""
        return registry.instantiate(self.artifact.model)

    @cached_property
    def method(self) -> Reparameterization | None:
        """What the weights go through."""
        return artifacts.reparameterization(self.artifact)

    @property
    def method_value(self) -> Mapping[str, Value] | None:
        """The method with its arguments, as plain data."""
        return self.artifact.through

    @property
    def method_name(self) -> str:
        """The method in a word."""
        value = self.method_value
        return "plain" if value is None else str(value["component"])

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """All parameters as they are after shipping, in float32."""
        return on_host(artifacts.shipped_weights(self.artifact))

    @cached_property
    def buffers(self) -> dict[str, np.ndarray]:
        """Batch statistics and other numbers that are not trained."""
        return on_host(self.artifact.buffers)

    @property
    def state_bytes(self) -> int:
        """Bytes of parameters and buffers in float32."""
        return 4 * sum(v.size for v in (*self.weights.values(), *self.buffers.values()))


def on_host(arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Arrays in the host's memory, as they are laid out in a file."""
    return {
        name: np.ascontiguousarray(values).reshape(np.shape(values))
        for name, values in arrays.items()
    }
