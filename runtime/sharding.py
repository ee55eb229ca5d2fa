"""One training on several devices: each has a share of every batch, and all have the same weights.

The cores of a processor are devices, too, to a worker that has several (`lab.runtime.serving`).

The loss of a step is a sum over the examples of its batch, so that its gradient is the sum of what
the devices find on theirs. It is written once, for the whole batch: where the rows of the batch are
said to be spread over devices and the weights to be on all of them, XLA cuts the program, and adds
the gradients up (GSPMD, https://arxiv.org/abs/2105.04663). So batch statistics are of the whole
batch, too. A result differs from that of one device by the order of additions only.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from lab.runtime.errors import UnsuitableSetting

T = TypeVar("T")

_ROWS = "rows"
#: Of a processor whose cores share a batch: more of them have too little of it each.
MOST_CORES = 8
#: A share pays where it has so many multiplications forward, and so many for each number that is
#: trained: gradients are added up, and the optimizer works, on every device. Of what was measured,
#: on two cores, DeiT-tiny gains with 1,800 for each, ResNet-50 loses with 640.
_WORTH_SHARING, _FOR_EACH_NUMBER = 5e8, 1_500


@cache
def _mesh(devices: int) -> Mesh:
    there = jax.devices()
    if len(there) < devices:
        have = f"{len(there)} device" + "s" * (len(there) > 1)
        raise UnsuitableSetting(
            f"--devices {devices} is more than a worker has: {have}, of kind {there[0].platform}"
        )
    return Mesh(np.array(there[:devices]), (_ROWS,))


def cores_that_pay(batch: int, macs: float, trained: int, *, again: float = 0.0) -> int:
    """How many cores of this worker's processor should share a batch; 1 on other devices.

    XLA's threads share one operation at a time, and wait for each other at each; cores that have
    shares of their own do so once a step.

    Args:
        batch: examples of a step. `macs`: of one example's pass forward.
        trained: numbers that are moved. `again`: multiplications that each core would do anew.
    """
    there = min(jax.device_count(), MOST_CORES) if jax.default_backend() == "cpu" else 1
    for devices in range(there, 1, -1):
        share = batch * macs / devices
        least = max(_WORTH_SHARING, _FOR_EACH_NUMBER * trained * (devices - 1) / 2, 10 * again)
        if batch % devices == 0 and share >= least:
            return devices
    return 1


_shares: ContextVar[int] = ContextVar("shares", default=1)


@contextmanager
def shared_by(devices: int) -> Generator[None]:
    """What is traced meanwhile will be cut into so many shares."""
    before = _shares.set(devices)
    try:
        yield
    finally:
        _shares.reset(before)


def shares() -> int:
    """How many shares what is being traced will be cut into."""
    return _shares.get()


def on_first(tree: T, devices: int) -> T:
    """What every device has, as arrays of the first one alone."""
    if devices == 1:
        return tree
    return jax.tree.map(lambda array: array.addressable_data(0), tree)


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
