"""ResNet-20 for 32 × 32 images (He et al. 2016, arXiv 1512.03385, section 4.2).

Where a block halves the map, its shortcut is every second pixel between zero channels (option A).
"""

from torch import Tensor, nn
from torch.nn import functional

BLOCKS = 3


class Block(nn.Module):
    """Two convolutions around a shortcut."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.stride, self.more_channels = stride, outputs - inputs
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        inner = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(inner + self._shortcut(x))

    def _shortcut(self, x: Tensor) -> Tensor:
        if self.stride == 1 and self.more_channels == 0:
            return x
        before = self.more_channels // 2
        around = (0, 0, 0, 0, before, self.more_channels - before)
        return functional.pad(x[:, :, :: self.stride, :: self.stride], around)


class ResNet20(nn.Module):
    """The whole network, from normalized images to logits."""

    def __init__(self, *, width: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _stage(width, width, stride=1)
        self.layer2 = _stage(width, 2 * width, stride=2)
        self.layer3 = _stage(2 * width, 4 * width, stride=2)
        self.linear = nn.Linear(4 * width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of normalized images (n, 3, 32, 32)."""
        x = functional.relu(self.bn1(self.conv1(images)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def _stage(inputs: int, outputs: int, *, stride: int) -> nn.Sequential:
    rest = [Block(outputs, outputs, stride=1) for _ in range(BLOCKS - 1)]
    return nn.Sequential(Block(inputs, outputs, stride=stride), *rest)


def build(*, width: int, classes: int) -> nn.Module:
    """The network with new weights."""
    return ResNet20(width=width, classes=classes)
