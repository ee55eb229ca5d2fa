"""Weights for people without `lab`: one safetensors file with the names of the torch model."""

from pathlib import Path

import numpy as np
import safetensors.numpy

from lab.runtime.artifact import Artifact, shipped_weights
from lab.runtime.files import write_atomically


def write_weights(artifact: Artifact, path: Path) -> None:
    """Write parameters, as they are after shipping, and buffers; loads with `strict=True`."""
    tensors = {**shipped_weights(artifact), **artifact.buffers}
    on_host = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, safetensors.numpy.save(on_host))
