"""Trains on several virtual devices and says how far from one: for `test_sharding.py`.

Run by itself, since the number of devices of a processor is fixed when JAX starts.
"""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax
import jax.numpy as jnp

from lab.runtime import course, serving, sharding
from lab.runtime.artifact import Artifact
from lab.runtime.checkpoints import Checkpoints, Nowhere
from lab.runtime.data.cifar10_sample import Cifar10Sample
from lab.runtime.data.digits import Digits
from lab.runtime.errors import LabError
from lab.runtime.models.mlp import MLP
from lab.runtime.models.resnet20 import ResNet20
from lab.runtime.models.vit import ViT
from lab.runtime.optimizers.adam import Adam
from lab.runtime.optimizers.sgd import SGD
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
#: What is shared without being asked, for the many multiplications of each of its numbers.
SHARED: dict[str, dict[str, Any]] = {
    name: {
        "model": model,
        "data": Cifar10Sample(),
        "by": SGD(lr=0.05, momentum=0.9),
        "duration": Duration(3, "steps"),
        "batch": 256,
        "watch": "test",
        "evaluate": Duration(1, "steps"),
    }
    for name, model in (("vit", ViT(width=16, depth=1)), ("resnet20", ResNet20(width=4)))
}


def trained(
    devices: int | None, checkpoints: Checkpoints, *, stop: int | None = None, **fields: Any
) -> Artifact:
    defaults: dict[str, Any] = {
        "model": MLP(width=16, layers=1),
        "data": Digits(validation=97),
        "by": Adam(lr=3e-3),
        "duration": Duration(20, "steps"),
        "evaluate": Duration(7, "steps"),
        "batch": 96,
    }
    keys = dict(zip(STREAMS, jax.random.split(jax.random.key(5), 4), strict=True))

    def progress(step: int, *_: Any) -> None:
        if step == stop:
            raise KeyboardInterrupt

    work = Work({}, keys.__getitem__, progress, Path(), checkpoints=checkpoints, devices=devices)
    return Train(**{**defaults, **fields}).run(work)


def places(devices: int | None, **fields: Any) -> int:
    """On how many devices the weights are while they are trained."""
    seen: list[int] = []
    before = course.on_first

    def looked(tree: Any, devices: int) -> Any:
        seen.append(len(jax.tree.leaves(tree)[0].sharding.device_set))
        return before(tree, devices)

    course.on_first = looked
    trained(devices, Nowhere(), **fields)
    course.on_first = before
    return min(seen)


def apart(one: Artifact, other: Artifact) -> float:
    """The largest difference between weights or statistics, relative to the largest of them."""
    trees = ((a.split, dict(a.rest), dict(a.buffers)) for a in (one, other))
    pairs = list(zip(*map(jax.tree.leaves, trees), strict=True))
    return max(
        float(jnp.max(jnp.abs(jnp.asarray(a) - jnp.asarray(b))) / (jnp.max(jnp.abs(a)) + 1e-12))
        for a, b in pairs
    )


def gone_on(devices: int | None, **fields: Any) -> tuple[int | None, Artifact]:
    """What is made of a training that was interrupted, and the step at which it was gone on."""
    with TemporaryDirectory() as folder:
        with suppress(KeyboardInterrupt):
            trained(None, Checkpoints(Path(folder), 0.0), stop=3, **fields)
        checkpoints = Checkpoints(Path(folder), 0.0)
        made = trained(devices, checkpoints, **fields)
        return checkpoints.resumed_at, made


def shared(**fields: Any) -> dict[str, Any]:
    """A training whose batches pay to share, its programs kept, looked at and gone on with."""
    serving.configure()
    sharding._WORTH_SHARING = 1e5  # the rest of the rule holds as it is
    one, several = (trained(devices, Nowhere(), **fields) for devices in (1, None))
    (at, after), (alone_at, alone) = (gone_on(devices, **fields) for devices in (None, 1))
    return {
        "shared": apart(one, several),
        "gone on with": apart(several, after),
        "at": [at, alone_at],
        "by one": apart(one, alone),
        "places": places(None, **fields),
    }


def refused(devices: int, **fields: Any) -> str:
    try:
        trained(devices, Nowhere(), **fields)
    except LabError as error:
        return str(error)
    return ""


def main() -> None:
    if sys.argv[1:2] == ["shared"]:
        print(json.dumps(shared(**SHARED[sys.argv[2]])))
        return
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
    found["places"] = places(4)
    found["afterwards"] = len(jax.tree.leaves(four.rest)[0].sharding.device_set)
    found["uneven"] = refused(4, batch=90)
    found["too many"] = refused(5)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
