"""Checkpoints of weights by name: torch's `.th`, `.pt`, `.pth`, and `.safetensors`.

A checkpoint fits a model when it has every parameter and buffer of it, in its shape, and nothing
else; the prefix `module.` of torch's parallel wrapper and its step counters do not matter.
"""

import difflib
import pickle
from collections.abc import Mapping
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy

from lab.runtime.errors import BadCheckpoint, MissingFile
from lab.runtime.model import Model, State

#: Where training scripts put the weights, when a checkpoint holds more than these.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
PREFIX = "module."
COUNTER = "num_batches_tracked"


def load_into(model: Model, path: Path) -> tuple[State, State]:
    """The parameters and buffers of a model, from a checkpoint.

    Raises `MissingFile`, or `BadCheckpoint` with the names that are missing, left over or of
    another shape.
    """
    found = _named(read(path))
    params, buffers = model.shapes()
    wanted = {**params, **buffers}
    problems = [*_missing(wanted, found), *_left_over(wanted, found), *_misshapen(wanted, found)]
    if problems:
        raise BadCheckpoint(f"{path} does not fit the model: {_listing(problems)}")
    return _arrays(found, params), _arrays(found, buffers)


def save(path: Path, params: State, buffers: State, *, about: Mapping[str, str]) -> None:
    """Keep parameters and buffers as `.safetensors`, with words about where they came from."""
    tensors = {name: np.asarray(array) for name, array in {**params, **buffers}.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.numpy.save_file(tensors, path, metadata=dict(about))


def read(path: Path) -> dict[str, np.ndarray]:
    """All tensors of a checkpoint by name, as the file has them."""
    if not path.is_file():
        raise MissingFile(
            f"there is no checkpoint {path}: put one there (.safetensors, .th or .pt), or leave "
            "`weights:` out and train the model"
        )
    try:
        if path.suffix == ".safetensors":
            return safetensors.numpy.load_file(path)
        return _read_torch(path)
    except safetensors.SafetensorError as error:
        raise BadCheckpoint(f"{path} is no whole .safetensors file: {error}") from error


def _read_torch(path: Path) -> dict[str, np.ndarray]:
    try:
        import torch
    except ModuleNotFoundError as error:
        raise BadCheckpoint(
            f"{path} is a torch file, and torch is not installed: install the extra `torch`, or "
            "convert the file to .safetensors"
        ) from error
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise BadCheckpoint(f"{path} cannot be read as plain weights: {error}") from error
    for wrapper in WRAPPERS:
        if isinstance(loaded, dict) and isinstance(loaded.get(wrapper), dict):
            loaded = loaded[wrapper]
    if not isinstance(loaded, dict):
        raise BadCheckpoint(f"{path} holds a {type(loaded).__name__}, and no weights by name")
    tensors = {name: t for name, t in loaded.items() if isinstance(t, torch.Tensor)}
    return {name: t.detach().float().numpy().copy() for name, t in tensors.items()}


def _named(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    plain = {name.removeprefix(PREFIX): array for name, array in tensors.items()}
    return {name: array for name, array in plain.items() if name.split(".")[-1] != COUNTER}


def _missing(wanted: Mapping[str, object], found: Mapping[str, object]) -> list[str]:
    left_over = [name for name in found if name not in wanted]
    return [f"{name} is missing{_nearest(name, left_over)}" for name in wanted if name not in found]


def _nearest(name: str, candidates: list[str]) -> str:
    near = difflib.get_close_matches(name, candidates, n=1)
    return f" (it has {near[0]})" if near else ""


def _left_over(wanted: Mapping[str, object], found: Mapping[str, object]) -> list[str]:
    return [f"{name} is not in the model" for name in found if name not in wanted]


def _misshapen(wanted: Mapping[str, tuple[int, ...]], found: Mapping[str, np.ndarray]) -> list[str]:
    return [
        f"{name} is {found[name].shape}, the model's is {shape}"
        for name, shape in wanted.items()
        if name in found and found[name].shape != shape
    ]


def _listing(problems: list[str], limit: int = 8) -> str:
    more = f"; and {len(problems) - limit} more" if len(problems) > limit else ""
    return "; ".join(problems[:limit]) + more


def _arrays(found: Mapping[str, np.ndarray], names: Mapping[str, object]) -> State:
    return {name: jnp.array(found[name], jnp.float32) for name in names}
