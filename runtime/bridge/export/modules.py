"""The torch module of a model: built as the card says, with the weights that were shipped."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lab.runtime.bridge.export import compact
from lab.runtime.bridge.export.networks import Network
from lab.runtime.bridge.export.subject import Subject
from lab.runtime.bridge.state_names import COUNTER
from lab.runtime.bridge.torch_runtime import loading
from lab.runtime.errors import NotExportable

#: Largest difference of a weight, or a logit, over the largest one. Float32 rounds at 6e-8, and a
#: network adds such errors up over its layers; a wrong weight is far beyond this.
TOLERANCE = 1e-5


def dense_state(subject: Subject, network: Network) -> dict[str, np.ndarray]:
    """A state dict that loads strictly, with the names, types and order of the torch module."""
    state = network.made().state_dict()
    given = {**subject.weights, **subject.buffers}
    return {name: _entry(name, like, given, network) for name, like in state.items()}


def _entry(
    name: str, like: Tensor, given: Mapping[str, np.ndarray], network: Network
) -> np.ndarray:
    """A number of the module: ours, or the module's own where it is a table or a counter."""
    source = network.aliases.get(name, name)
    if source in given:
        values = torch.from_numpy(given[source].copy()).to(like.dtype)
        if values.shape != like.shape:
            raise NotExportable(f"{name} is {given[source].shape}, torch has {tuple(like.shape)}")
        return values.numpy()
    is_own = name in network.fixed or name.rpartition(".")[2] == COUNTER
    if like.is_floating_point() and not is_own:
        raise NotExportable(f"the torch module has a weight {name}, which the network has not")
    return like.numpy()


def dense_module(subject: Subject, network: Network) -> nn.Module:
    """The module with plain weights, ready to evaluate."""
    module = network.made()
    state = dense_state(subject, network)
    module.load_state_dict({n: torch.from_numpy(v.copy()) for n, v in state.items()}, strict=True)
    return module.eval()


def compact_module(subject: Subject, network: Network) -> nn.Module:
    """The module with weights that are computed from codes in whole bytes.

    Raises `NotExportable` where a weight that torch computes is not the one that was shipped.
    """
    compact.learn(subject)
    contents = compact.contents(subject, network)
    module = loading.filled(network.made(), contents, "the compact form")
    state = dense_state(subject, network)
    with torch.no_grad():
        for holder, name, made in loading.made_in(module):
            owner = next(path for path, one in module.named_modules() if one is holder)
            path = f"{owner}.{name}" if owner else name
            _demand_alike(path, made.source().numpy(), state[path])
    return loading.expand(module)


def _demand_alike(name: str, found: np.ndarray, expected: np.ndarray) -> None:
    """Logits alone would not tell: a network may not listen to some of its weights."""
    scale = max(float(np.abs(expected).max(initial=0)), np.finfo(np.float32).tiny)
    gap = float(np.abs(found - expected).max(initial=0)) / scale
    if not gap <= TOLERANCE:
        raise NotExportable(
            f"torch computes {name} otherwise than JAX, by {gap:.1e} of the largest"
        )


@contextmanager
def one_thread() -> Generator[None]:
    """Torch with one thread: what is computed is compared, and not fast."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def example(inputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Inputs as torch tensors, by name."""
    return {name: torch.from_numpy(values.copy()) for name, values in inputs.items()}
