"""Numbers of a method that may go through another one."""

from torch import Tensor, nn

from ..stored import Stored
from . import Weight


class Part(nn.Module):
    """Numbers of a method: kept in the file, or made by a nested method."""

    def __init__(self, source: nn.Module | Tensor) -> None:
        super().__init__()
        if isinstance(source, Tensor):
            source = Stored(source, kind="f", bits=32, shape=tuple(source.shape))
        self.source = source

    def forward(self) -> Tensor:
        """The numbers in float32."""
        return self.source().float()


def part(weight: Weight, name: str, shape: tuple[int, ...], *, field: str) -> Part | None:
    """Numbers of a name: those in a field of the file, or what a nested method makes of its own."""
    made = weight.inner(name, shape)
    if made is None and name in weight.streams:
        made = weight.streams[name][field]
    return None if made is None else Part(made)
