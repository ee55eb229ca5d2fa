"""Fields: a weight tensor is a small network of the places of its numbers.

    w[i, j, …] = sigma · f(gamma(c(i, j, …))) + mu,   c = (2 i + 1) / n - 1 along each axis
    h_0 = gamma(c),   h_i = act(W_i h_(i-1) + b_i),   f = W h + b

With act(x) = sin(w0 x), `f` is a SIREN (Sitzmann et al. 2020, arXiv 2006.09661). Coordinates are
computed when they are needed and stored nowhere.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..reading import BadExport
from ..stored import Stored
from . import Weight
from .parts import Part

#: Places that are evaluated at once; the memory of a layer is this times the width.
BLOCK = 1 << 16


class FieldOf(nn.Module):
    """The numbers of a field, with the mean and the spread of the tensor it stands for."""

    counts: Tensor
    strides: Tensor
    octaves: Tensor | None

    def __init__(self, weight: Weight) -> None:
        super().__init__()
        arguments = weight.arguments
        self.shape, self.w0 = weight.shape, float(arguments["w0"])
        self.activation: str = arguments["activation"]
        bands = _bands(arguments["encoding"])
        axes = len(weight.shape)
        features = axes if bands is None else 2 * bands * axes
        self._constant("counts", torch.tensor(weight.shape)[:, None])
        strides = [math.prod(weight.shape[axis + 1 :]) for axis in range(axes)]
        self._constant("strides", torch.tensor(strides)[:, None])
        octaves = None if bands is None else math.pi * 2.0 ** torch.arange(bands)[:, None]
        self._constant("octaves", octaves)
        sizes = (features, *[arguments["width"]] * arguments["layers"], 1)
        self.layers = tuple(((out, fan_in), (out,)) for fan_in, out in pairwise(sizes))
        self.row: Stored = weight.own["field"]
        self.normal: Stored = weight.own["normal"]
        self.inner = nn.ModuleDict()
        for name, shape in self._names():
            made = weight.inner(f"{weight.path}/{name}", shape)
            if made is not None:
                self.inner[name] = Part(made)

    def forward(self) -> Tensor:
        """The field at every place of the tensor."""
        numbers = self._numbers()
        count = math.prod(self.shape)
        blocks = [
            self._values(numbers, start, min(start + BLOCK, count))
            for start in range(0, count, BLOCK)
        ]
        mean, spread = self.normal().unbind()
        return (torch.cat(blocks) * spread + mean).reshape(self.shape)

    def _constant(self, name: str, values: Tensor | None) -> None:
        """What follows from the shape: it goes where the module goes, and into no file."""
        self.register_buffer(name, values, persistent=False)

    def _names(self) -> list[tuple[str, tuple[int, ...]]]:
        return [
            (f"{part}{place}", shape)
            for place, layer in enumerate(self.layers)
            for part, shape in zip(("weight", "bias"), layer, strict=True)
        ]

    def _numbers(self) -> dict[str, Tensor]:
        """Numbers of the field by name, from the row or from what they go through."""
        row, start, made = self.row().float(), 0, {}
        for name, shape in self._names():
            if name in self.inner:
                made[name] = self.inner[name]()
            else:
                end = start + math.prod(shape)
                made[name] = row[start:end].reshape(shape)
                start = end
        return made

    def _values(self, numbers: dict[str, Tensor], start: int, end: int) -> Tensor:
        h = self._features(torch.arange(start, end, device=self.normal.raw.device))
        last = len(self.layers) - 1
        for place in range(last):
            h = self._act(numbers[f"weight{place}"] @ h + numbers[f"bias{place}"][:, None])
        return (numbers[f"weight{last}"] @ h + numbers[f"bias{last}"][:, None])[0]

    def _features(self, index: Tensor) -> Tensor:
        places = index // self.strides % self.counts
        coordinates = (2 * places.float() + 1) / self.counts.float() - 1
        if self.octaves is None:
            return coordinates
        angles = (coordinates[:, None] * self.octaves).reshape(-1, index.shape[0])
        return torch.cat([angles.sin(), angles.cos()])

    def _act(self, x: Tensor) -> Tensor:
        if self.activation == "sine":
            return torch.sin(self.w0 * x)
        return functional.relu(x) if self.activation == "relu" else functional.gelu(x)


def _bands(encoding: dict | None) -> int | None:
    if encoding is None:
        return None
    if encoding["component"] != "fourier":
        raise BadExport(f"an encoding `{encoding['component']}` is not known here")
    return encoding["args"]["bands"]


def decoder(weight: Weight) -> nn.Module:
    """The field at every place of the tensor."""
    return FieldOf(weight)
