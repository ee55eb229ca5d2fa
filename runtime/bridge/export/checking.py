"""An export is compared with the model it was made of before anybody gets it.

A process of its own, in which `lab` and JAX cannot be imported, does what the export's card says on
a fixed batch; its logits are compared with JAX's.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import jax.numpy as jnp
import numpy as np

from lab.runtime.bridge import torchvision_schemas
from lab.runtime.bridge.export import child
from lab.runtime.bridge.export.modules import TOLERANCE
from lab.runtime.bridge.export.networks import Batch
from lab.runtime.bridge.export.subject import Subject
from lab.runtime.errors import NotExportable

#: What a user of an export need not have.
ABSENT = ("lab", "jax", "jaxlib", "flax", "optax", "jaxtyping")
_SECONDS = 600
_LINES = 12
#: No words to anybody about what is used, and no wait for a network that is not there.
_SURROUNDINGS = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "TOKENIZERS_PARALLELISM": "false",
}


@dataclass(frozen=True)
class Task:
    """Code to be run in a folder on a batch; `tensors` says whether it wants torch's or numpy's."""

    folder: Path
    code: Sequence[str]
    inputs: Mapping[str, np.ndarray]
    tensors: bool = True
    declares: bool = False


def wanted(subject: Subject, batch: Batch) -> np.ndarray:
    """The logits of a batch by JAX, with the weights that were shipped."""
    params, buffers = (
        {name: jnp.asarray(values) for name, values in one.items()}
        for one in (subject.weights, subject.buffers)
    )
    logits, _ = subject.model.apply(params, buffers, jnp.asarray(batch.raw), train=False)
    return np.asarray(logits)


def answered(task: Task) -> np.ndarray:
    """The logits of a batch by code that has neither `lab` nor JAX.

    Raises `NotExportable` with what the process said where it fails.
    """
    with TemporaryDirectory(prefix="lab-export-") as name:
        beside = Path(name)
        np.savez(beside / "inputs.npz", **task.inputs)  # pyright: ignore[reportArgumentType]
        request = {
            "folder": str(task.folder.resolve()),
            "code": list(task.code),
            "inputs": str(beside / "inputs.npz"),
            "logits": str(beside / "logits.npy"),
            "absent": list(ABSENT),
            "tensors": task.tensors,
            "declares": torchvision_schemas.__file__ if task.declares else "",
        }
        (beside / "request.json").write_text(json.dumps(request), encoding="utf-8")
        ended = subprocess.run(
            [sys.executable, "-I", "-B", child.__file__, str(beside / "request.json")],
            cwd=task.folder,
            env={**os.environ, **_SURROUNDINGS},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if ended.returncode:
            said = "\n".join(ended.stderr.strip().splitlines()[-_LINES:])
            raise NotExportable(f"what was written cannot be loaded, and was removed:\n{said}")
        return np.load(beside / "logits.npy", allow_pickle=False)


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    """How far logits are from those of JAX. Raises `NotExportable` beyond the tolerance."""
    if found.shape != expected.shape:
        raise NotExportable(
            f"what was written answers {found.shape}, the model {expected.shape}; it was removed"
        )
    scale = max(float(np.abs(expected).max()), np.finfo(np.float32).tiny)
    gap = float(np.abs(found - expected).max()) / scale
    if not gap <= TOLERANCE:
        raise NotExportable(
            f"what was written answers otherwise than the model: logits differ by {gap:.1e} of "
            f"the largest, {TOLERANCE:.0e} is allowed; it was removed"
        )
    return gap
