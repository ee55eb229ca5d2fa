"""Trains on several virtual devices and says how far from one: for `test_sharding.py`.

Run by itself, since the number of devices of a processor is fixed when JAX starts.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax
import jax.numpy as jnp

from lab.runtime.artifact import Artifact
from lab.runtime.checkpoints import Checkpoints, Nowhere
from lab.runtime.data.cifar10_sample import Cifar10Sample
from lab.runtime.data.digits import Digits
from lab.runtime.errors import LabError
from lab.runtime.models.mlp import MLP
from lab.runtime.models.resnet20 import ResNet20
from lab.runtime.optimizers.adam import Adam
from lab.runtime.selectors.random import Random
from lab.runtime.stages.train import Train
from lab.runtime.work import Work
from lab.spec.units import Duration

jax.config.update("jax_default_matmul_precision", "highest")

STREAMS = ("init", "batches", "augment", "dropout")
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "in pieces": {"micro_batch": 36},
    "averaged": {"average": 0.9, "accumulate": 2, "watch": "validation", "keep": "best"},
    "selected": {"select": Random(rate=0.5)},
}
#: Batch statistics are of the whole batch.
NORMALIZED: dict[str, Any] = {
    "model": ResNet20(width=4),
    "data": Cifar10Sample(),
    "duration": Duration(2, "steps"),
    "batch": 16,
}


def trained(devices: int, checkpoints: Checkpoints, **fields: Any) -> Artifact:
    defaults: dict[str, Any] = {
        "model": MLP(width=16, layers=1),
        "data": Digits(validation=97),
        "by": Adam(lr=3e-3),
        "duration": Duration(20, "steps"),
        "evaluate": Duration(7, "steps"),
        "batch": 96,
    }
    keys = dict(zip(STREAMS, jax.random.split(jax.random.key(5), 4), strict=True))
    work = Work(
        {}, keys.__getitem__, lambda *_: None, Path(), checkpoints=checkpoints, devices=devices
    )
    return Train(**{**defaults, **fields}).run(work)


def apart(one: Artifact, other: Artifact) -> float:
    """The largest difference between weights or statistics, relative to the largest of them."""
    trees = ((a.split, dict(a.rest), dict(a.buffers)) for a in (one, other))
    pairs = list(zip(*map(jax.tree.leaves, trees), strict=True))
    return max(
        float(jnp.max(jnp.abs(jnp.asarray(a) - jnp.asarray(b))) / (jnp.max(jnp.abs(a)) + 1e-12))
        for a, b in pairs
    )


def refused(devices: int, **fields: Any) -> str:
    try:
        trained(devices, Nowhere(), **fields)
    except LabError as error:
        return str(error)
    return ""


def main() -> None:
    if sys.argv[1:] == ["normalized"]:
        one, four = (trained(devices, Nowhere(), **NORMALIZED) for devices in (1, 4))
        print(json.dumps({"normalized": apart(one, four)}))
        return
    found: dict[str, Any] = {
        name: apart(*(trained(devices, Nowhere(), **fields) for devices in (1, 4)))
        for name, fields in CASES.items()
    }
    four = trained(4, Nowhere())
    found["same bits"] = apart(four, trained(4, Nowhere())) == 0
    found["places"] = len(jax.tree.leaves(four.rest)[0].sharding.device_set)
    found["uneven"] = refused(4, batch=90)
    found["too many"] = refused(5)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
