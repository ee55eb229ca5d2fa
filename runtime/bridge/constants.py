"""Constants of an exported program, and what follows from them alone, computed by torch."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from lab.runtime.foreign.graph import Input

#: What JAX has in place of torch's wide types.
_NARROW = {
    torch.int64: torch.int32,
    torch.float64: torch.float32,
    torch.complex128: torch.complex64,
}
#: An array of more elements is computed anew rather than kept.
LARGEST = 1 << 20

Known = torch.Tensor | tuple[torch.Tensor, ...] | list[torch.Tensor]


def narrow_name(dtype: torch.dtype) -> str:
    """The name of a type, `int32` for `int64` and `float32` for `float64`."""
    return str(_NARROW.get(dtype, dtype)).removeprefix("torch.")


class Constants:
    """Values of nodes that depend on no parameter, buffer or input.

    `renamed` maps a node whose value another node has too to that one.
    """

    def __init__(self) -> None:
        self._known: dict[torch.fx.Node, Known] = {}
        self._kept: dict[str, np.ndarray] = {}
        self._by_content: dict[tuple, str] = {}
        self.renamed: dict[str, str] = {}

    def add(self, node: torch.fx.Node, value: torch.Tensor) -> None:
        """A constant of the program."""
        self._know(node, value.detach())

    def computed(self, node: torch.fx.Node) -> bool:
        """Whether a node's value is known, now that its arguments are looked at."""
        if not self._can_be(node):
            return False
        args, kwargs = torch.fx.node.map_arg((node.args, node.kwargs), self._known.__getitem__)
        target: Any = node.target
        with torch.no_grad():
            self._know(node, target(*args, **kwargs))
        return True

    def _can_be(self, node: torch.fx.Node) -> bool:
        if any(one not in self._known for one in node.all_input_nodes):
            return False
        if isinstance(node.target, torch._ops.OpOverload):
            if torch.Tag.nondeterministic_seeded in node.target.tags:
                return False
            return all(_is_small(one) for one in _arrays_of(node.meta.get("val")))
        return bool(node.all_input_nodes) and getattr(node.target, "__name__", "") == "getitem"

    def _know(self, node: torch.fx.Node, value: Known) -> None:
        self._known[node] = value
        if isinstance(value, torch.Tensor):
            array = _narrowed(value)
            content = (str(array.dtype), array.shape, array.tobytes())
            name = self._by_content.setdefault(content, node.name)
            self.renamed[node.name] = name
            self._kept[name] = array

    def named(self, node: torch.fx.Node) -> str | None:
        """The name of the constant that a node is, if it is one."""
        return self.renamed.get(node.name) if node in self._known else None

    def inputs(self, used: set[str]) -> list[Input]:
        """The constants that are used, as inputs."""
        return [
            Input(name, "constant", name, array.shape, _dtype_name(array))
            for name, array in self._kept.items()
            if name in used
        ]

    def arrays(self, used: set[str]) -> dict[str, np.ndarray]:
        """The constants that are used, by name."""
        return {name: array for name, array in self._kept.items() if name in used}


def _arrays_of(value: Any) -> Iterable[torch.Tensor]:
    parts = value if isinstance(value, (tuple, list)) else (value,)
    return [part for part in parts if isinstance(part, torch.Tensor)]


def _is_small(array: torch.Tensor) -> bool:
    return all(isinstance(size, int) for size in array.shape) and array.numel() <= LARGEST


def _narrowed(value: torch.Tensor) -> np.ndarray:
    """In a type that JAX has; whole numbers that do not fit become the nearest that do."""
    if value.dtype == torch.int64:
        limits = torch.iinfo(torch.int32)
        value = value.clamp(limits.min, limits.max)
    if value.dtype in (torch.bfloat16, torch.float16):
        value = value.float()
    value = value.to(_NARROW.get(value.dtype, value.dtype))
    return np.ascontiguousarray(value.numpy()).reshape(value.shape)


def _dtype_name(array: np.ndarray) -> str:
    return str(array.dtype)
