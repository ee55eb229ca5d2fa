"""Torch's own checkpoint files, read as plain weights: nothing in them is executed."""

import pickle
from pathlib import Path

import numpy as np
import torch

from lab.runtime.errors import BadCheckpoint

#: Where training scripts put the weights, when a checkpoint holds more than these.
WRAPPERS = ("state_dict", "model_state_dict", "model_ema", "model", "net")


def tensors_in(path: Path) -> dict[str, np.ndarray]:
    """Floating-point tensors by name, in float32. Raises `BadCheckpoint`."""
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise BadCheckpoint(f"{path} cannot be read as plain weights: {error}") from error
    for wrapper in WRAPPERS:
        if isinstance(loaded, dict) and isinstance(loaded.get(wrapper), dict):
            loaded = loaded[wrapper]
    if not isinstance(loaded, dict):
        raise BadCheckpoint(f"{path} holds a {type(loaded).__name__}, and no weights by name")
    return {
        name: np.array(tensor.detach().to(torch.float32).numpy(), copy=True)
        for name, tensor in loaded.items()
        if isinstance(tensor, torch.Tensor) and tensor.is_floating_point()
    }
