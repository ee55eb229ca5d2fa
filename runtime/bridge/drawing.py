"""How modules write that a whole path is dropped, where a graph has one operator for it.

`floor(share + rand(…))` is one with a probability of `share`, and zero otherwise. Said as that
draw, it has an expectation, which stands in for it where nothing is dropped.
"""

from typing import Any

import torch

_RAND = torch.ops.aten.rand.default
_ADD = torch.ops.aten.add.Tensor
_FLOOR = torch.ops.aten.floor.default


def share_drawn(node: torch.fx.Node) -> tuple[torch.fx.Node, float] | None:
    """The random numbers and the share, where a node is such a draw."""
    if node.target is not _FLOOR:
        return None
    total = node.args[0]
    if not isinstance(total, torch.fx.Node) or total.target is not _ADD or len(total.users) != 1:
        return None
    parts: Any = total.args
    numbers = [one for one in parts if isinstance(one, torch.fx.Node) and one.target is _RAND]
    shares = [one for one in parts if isinstance(one, float) and 0 < one < 1]
    whole = len(numbers) == len(shares) == 1 and len(numbers[0].users) == 1 and not total.kwargs
    return (numbers[0], shares[0]) if whole else None


def is_for_a_share(node: torch.fx.Node) -> bool:
    """Whether random numbers serve such a draw and nothing else."""
    if node.target is not _RAND or len(node.users) != 1:
        return False
    (total,) = node.users
    return len(total.users) == 1 and share_drawn(next(iter(total.users))) is not None
