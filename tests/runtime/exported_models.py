"""Models to export: tiny networks whose weights go through any method, at numbers of its own."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch

from lab.runtime import artifact as artifacts
from lab.runtime import registry
from lab.runtime.artifact import Artifact
from lab.runtime.bridge.export import checking, modules, networks
from lab.runtime.bridge.export.networks import Batch, Network
from lab.runtime.bridge.export.subject import Origin, Subject
from lab.runtime.model import Model
from lab.runtime.reparameterization import Reparameterization, Split

#: Runs each of several codes, in a folder of its own, where neither `lab` nor JAX can be imported.
LOADER = """
import json, os, sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("lab", "jax", "jaxlib", "flax"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import numpy, torch
torch.set_grad_enabled(False)
for folder, code in json.load(sys.stdin):
    os.chdir(folder)
    sys.path.insert(0, folder)
    inputs = numpy.load("inputs.npz", allow_pickle=False)
    names = {name: torch.from_numpy(inputs[name]) for name in inputs.files}
    exec(code, names)
    numpy.save("logits.npy", names["logits"].numpy(), allow_pickle=False)
    sys.path.remove(folder)
assert "jax" not in sys.modules and "lab" not in sys.modules
"""


def subject(model: Model, method: Reparameterization | None) -> Subject:
    """A network, its matrices through a method, somewhere on the way of a training."""
    params, buffers = drawn(model)
    value = registry.value_of(model)
    if method is None:
        return Subject(artifacts.plain(value, params, buffers), Origin("model"))
    taken = {path: values for path, values in params.items() if values.ndim > 1}
    split = method.init(taken, key=jax.random.key(2))
    made = Artifact(
        model=value,
        through=registry.value_of(method),
        split=Split(moved(split.train, seed=3), split.fixed),
        rest={path: values for path, values in params.items() if path not in taken},
        buffers=buffers,
        shapes={path: tuple(values.shape) for path, values in taken.items()},
    )
    return Subject(made, Origin("model"))


def adapted(model: Model, method: Reparameterization) -> Subject:
    """A network with the weights that its method chooses, trained for a while."""
    params, buffers = drawn(model)
    plain = artifacts.plain(registry.value_of(model), params, buffers)
    made = artifacts.reparametrize(plain, method, key=jax.random.key(2))
    split = made.split._replace(train=moved(made.split.train, seed=3))
    return Subject(replace(made, split=split), Origin("model"))


def drawn(model: Model) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and statistics by numpy, which compiles nothing.

    Vectors are around a half: rectifiers of a field's weights, which are much alike, would else be
    off together, and a variance is above zero.
    """
    rng = np.random.default_rng(1)
    params, buffers = (
        {
            name: jnp.asarray(_normal(rng, shape, around=0.5 if len(shape) == 1 else 0.0))
            for name, shape in sorted(shapes.items())
        }
        for shapes in model.shapes()
    )
    return params, buffers


def _normal(rng: np.random.Generator, shape: tuple[int, ...], *, around: float) -> np.ndarray:
    deviation = 0.05 if len(shape) == 1 else np.prod(shape[1:]) ** -0.5
    return (around + deviation * rng.standard_normal(shape)).astype(np.float32)


def moved(arrays: Mapping[str, Any], *, seed: int) -> dict[str, Any]:
    """The arrays away from where they began, at numbers that no storage holds exactly."""
    rng = np.random.default_rng(seed)
    return {
        name: values + jnp.asarray(1e-2 * rng.standard_normal(values.shape), jnp.float32)
        for name, values in sorted(arrays.items())
    }


def torch_side(model: Subject) -> tuple[Network, Batch]:
    """The network as torch has it, and the batch that exports are compared on."""
    network = networks.network_of(model.model, model.artifact.model, model.origin.model)
    return network, networks.batch_of(model.model, network)


def logits_of(module: torch.nn.Module, batch: Batch) -> np.ndarray:
    """The logits of a batch by torch."""
    with torch.no_grad():
        return module(**modules.example(batch.inputs)).numpy()


def gap(found: np.ndarray, model: Subject, batch: Batch) -> float:
    """How far logits are from JAX's, over the largest; a network that hears nothing is refused."""
    expected = checking.wanted(model, batch)
    assert np.std(expected, axis=0).max() > 1e-4 * np.abs(expected).max()
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def load_apart(tasks: Sequence[tuple[Path, Sequence[str]]]) -> None:
    """Run codes in their folders in one process without `lab`; each leaves `logits.npy`."""
    asked = json.dumps([(str(folder), "\n".join(code)) for folder, code in tasks])
    ended = subprocess.run(
        [sys.executable, "-I", "-B", "-c", LOADER],
        input=asked,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
