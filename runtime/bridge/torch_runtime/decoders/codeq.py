"""Levels on a grid with a dead zone: w = s (q + h sign q), `s` a tensor's step, `h` its offset."""

from torch import Tensor, nn

from . import Weight


class DeadZone(nn.Module):
    """Whole-number levels, zero in the dead zone; step and offset."""

    def __init__(self, weight: Weight) -> None:
        super().__init__()
        self.shape = weight.shape
        self.levels, self.grid = weight.own["levels"], weight.own["grid"]

    def forward(self) -> Tensor:
        """Levels put back on their grid."""
        levels = self.levels().float().reshape(self.shape)
        step, offset = self.grid().unbind()
        return (levels + offset * levels.sign()) * step


def decoder(weight: Weight) -> nn.Module:
    """Levels put back on their grid."""
    return DeadZone(weight)
