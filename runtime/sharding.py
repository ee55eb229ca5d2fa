"""One training on several devices: each has a share of every batch, and all have the same weights.

The loss of a step is a sum over the examples of its batch, so that its gradient is the sum of what
the devices find on theirs. It is written once, for the whole batch: where the rows of the batch are
said to be spread over devices and the weights to be on all of them, XLA cuts the program, and adds
the gradients up (GSPMD, https://arxiv.org/abs/2105.04663). So batch statistics are of the whole
batch, too. A result differs from that of one device by the order of additions only.
"""

from functools import cache
from typing import TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from lab.runtime.errors import UnsuitableSetting

T = TypeVar("T")

_ROWS = "rows"


@cache
def _mesh(devices: int) -> Mesh:
    there = jax.devices()
    if len(there) < devices:
        have = f"{len(there)} device" + "s" * (len(there) > 1)
        raise UnsuitableSetting(
            f"--devices {devices} is more than a worker has: {have}, of kind {there[0].platform}"
        )
    return Mesh(np.array(there[:devices]), (_ROWS,))


def on_all(tree: T, devices: int) -> T:
    """Arrays with a copy on every device, outside of a program or inside."""
    if devices == 1:
        return tree
    whole = NamedSharding(_mesh(devices), PartitionSpec())
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(tree)):
        return jax.lax.with_sharding_constraint(tree, whole)
    return jax.device_put(tree, whole)


def spread(rows: T, devices: int) -> T:
    """Arrays with equal shares of their first axis on every device, inside a program."""
    if devices == 1:
        return rows
    count = len(jax.tree.leaves(rows)[0])
    if count % devices:
        raise UnsuitableSetting(
            f"{count} examples at a time cannot be shared evenly by {devices} devices: take a "
            f"`batch` that is a multiple of {devices}, or other --devices"
        )
    shares = NamedSharding(_mesh(devices), PartitionSpec(_ROWS))
    return jax.lax.with_sharding_constraint(rows, shares)
