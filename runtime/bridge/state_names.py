"""Names of a module's parameters and buffers: each array once, as `state_dict` has them."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch

#: The last part of the name of what counts batches: nothing depends on it.
COUNTER = "num_batches_tracked"

Shape = tuple[int, ...]


@dataclass(frozen=True)
class StateNames:
    """Shapes by name. `aliases` maps a name of an array that has another name already to that."""

    parameters: dict[str, Shape]
    buffers: dict[str, Shape]
    aliases: dict[str, str]

    def settled(self, name: str) -> str:
        """The name under which an array is kept."""
        return self.aliases.get(name, name)


def state_names(module: torch.nn.Module) -> StateNames:
    """The names of what a module's `state_dict` holds, without counters of batches."""
    kept = set(module.state_dict(keep_vars=True))
    first: dict[tuple, str] = {}
    aliases: dict[str, str] = {}

    def distinct(named: Iterable[tuple[str, torch.Tensor]]) -> dict[str, Shape]:
        shapes = {}
        for name, tensor in named:
            if name not in kept or name.rpartition(".")[2] == COUNTER:
                continue
            original = first.setdefault(_identity(tensor), name)
            if original == name:
                shapes[name] = tuple(tensor.shape)
            else:
                aliases[name] = original
        return shapes

    return StateNames(
        parameters=distinct(module.named_parameters(remove_duplicate=False)),
        buffers=distinct(module.named_buffers(remove_duplicate=False)),
        aliases=aliases,
    )


def _identity(tensor: torch.Tensor) -> tuple:
    """What two names of one array share; storages of the `meta` device have no address."""
    storage = tensor.untyped_storage()
    return (storage._cdata, tensor.storage_offset(), tuple(tensor.shape), tensor.stride())
