"""A perceptron with hidden layers, dropout behind each."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional


class MLP(nn.Module):
    """The whole network, from images or vectors to logits."""

    def __init__(self, sizes: tuple[int, ...], *, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in pairwise(sizes)])

    def forward(self, images: Tensor) -> Tensor:
        """Logits of intensities in 0 … 1: vectors, or images (n, channels, rows, columns)."""
        # The numbers of a pixel lie side by side in the vector that the network was trained on.
        x = images.permute(0, 2, 3, 1) if images.ndim == 4 else images
        x = x.flatten(1)
        *hidden, last = self.layers
        for layer in hidden:
            x = functional.relu(layer(x))
            x = functional.dropout(x, self.dropout, training=self.training)
        return last(x)


def build(*, width: int, layers: int, inputs: int, classes: int, dropout: float) -> nn.Module:
    """The network with new weights."""
    return MLP((inputs, *[width] * layers, classes), dropout=dropout)
