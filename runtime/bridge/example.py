"""A small network of a torch program, as an example of what `torch("file.py:callable")` runs.

It stands for a person's own file, and so nothing of `lab` imports it.
"""

from typing import Any


def network(classes: int, width: int = 8) -> Any:
    """Two convolutions with normalization, dropout, and a linear map."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
        nn.GELU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.Linear(2 * width, classes),
    )
