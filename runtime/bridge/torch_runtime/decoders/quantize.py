"""Levels on a uniform grid: w = s q, one scale `s` for each output channel or for the tensor."""

from torch import Tensor, nn

from . import Weight


class Quantized(nn.Module):
    """Whole-number levels, and their scales."""

    def __init__(self, weight: Weight) -> None:
        super().__init__()
        self.shape = weight.shape
        self.levels, self.scales = weight.own["levels"], weight.own["scales"]

    def forward(self) -> Tensor:
        """Levels times scales."""
        return self.levels().float().reshape(self.shape) * self.scales().float()


def decoder(weight: Weight) -> nn.Module:
    """Levels times scales."""
    return Quantized(weight)
