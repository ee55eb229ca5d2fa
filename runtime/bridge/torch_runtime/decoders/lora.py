"""Low-rank adapters beside a base: w = w0 + scale · b a; scale is alpha over the rank or its root.

`a` is (rank, inputs), `b` is (outputs, rank). A convolution is a matrix of its patches.
"""

import math

from torch import Tensor, nn

from . import Weight
from .parts import Part, part


class Adapted(nn.Module):
    """The base, and the two matrices of an adapter."""

    def __init__(self, base: Part, down: Part, up: Part, *, scale: float) -> None:
        super().__init__()
        self.base, self.down, self.up, self.scale = base, down, up, scale

    def forward(self) -> Tensor:
        """The merged weight."""
        base = self.base()
        return base + (self.scale * (self.up() @ self.down())).reshape(base.shape)


def decoder(weight: Weight) -> nn.Module | Tensor:
    """The merged weight; the base itself where it has no adapter."""
    rank = weight.arguments["rank"]
    outputs, inputs = weight.shape[:1], weight.shape[1:]
    down = part(weight, f"{weight.path}/lora_a", (rank, math.prod(inputs)), field="adapter")
    up = part(weight, f"{weight.path}/lora_b", (*outputs, rank), field="adapter")
    base = weight.own["base"]
    if down is None or up is None:
        return base().reshape(weight.shape)
    stabilized = weight.arguments["scaling"] == "rank_stabilized"
    scale = weight.arguments["alpha"] / (rank**0.5 if stabilized else rank)
    return Adapted(Part(base), down, up, scale=scale)
