"""Weights of which most are zero: a bit for each says whether it survived; survivors in order."""

import torch
from torch import Tensor, nn

from . import Weight


class Masked(nn.Module):
    """A mask and the survivors."""

    def __init__(self, weight: Weight) -> None:
        super().__init__()
        self.shape = weight.shape
        self.mask, self.survivors = weight.own["mask"], weight.own["survivors"]

    def forward(self) -> Tensor:
        """Survivors where the mask is set, zero elsewhere."""
        kept = self.mask().reshape(-1).to(torch.int64)
        survivors = self.survivors().float()
        # Place 0 of the table is for what did not survive, so that none may have.
        table = torch.cat([torch.zeros(1, device=survivors.device), survivors])
        return table[torch.cumsum(kept, 0) * kept].reshape(self.shape)


def decoder(weight: Weight) -> nn.Module:
    """Survivors where the mask is set."""
    return Masked(weight)
