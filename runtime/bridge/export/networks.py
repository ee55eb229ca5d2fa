"""The torch side of a network: how a torch user builds it, and what it is given.

A network of `lab`'s own has a twin of its name in the exported package; one of a library is built
by the library. Images come in as torch users have them: floats (n, channels, rows, columns), with
the normalization that the network was trained behind taken out and stated.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from lab.runtime.bridge import torch_runtime
from lab.runtime.errors import NotExportable
from lab.runtime.model import Model, NativeModel
from lab.spec.values import Value

#: Examples in the batch that an export is compared on.
EXAMPLES = 4


@dataclass(frozen=True)
class Network:
    """How a network is built in torch.

    `imports` and `build` are code: after both, `model` is the module with weights that mean
    nothing. `own` is what `lab_torch.build` takes, None for a network of a library. `input` says
    what the network is given, `files` what else has to stand beside the weights, by name. `call` is
    the expression of its logits.
    """

    library: str
    imports: tuple[str, ...]
    build: str
    input: Mapping[str, Any]
    own: Mapping[str, Any] | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    call: str = "model(images)"
    license: str = "that of `lab`, MIT"


@dataclass(frozen=True)
class Batch:
    """A batch as `lab` has it, and the same as the torch module has it, by name."""

    raw: np.ndarray
    inputs: Mapping[str, np.ndarray]


def network_of(model: Model, value: Mapping[str, Value]) -> Network:
    """The torch side of a network. Raises `NotExportable` where there is none."""
    if isinstance(model, NativeModel):
        return _native(model, value)
    raise NotExportable(f"a network `{value['component']}` cannot be built in torch")


def built(network: Network) -> nn.Module:
    """The module, built by the very code that the card shows."""
    if network.own is not None:
        return torch_runtime.build(network.own)
    raise NotExportable("no module")


def batch_of(model: Model, network: Network) -> Batch:
    """The fixed batch that an export is compared on: drawn from one seed."""
    rng = np.random.default_rng(0)
    shape = (EXAMPLES, *model.input_shape)
    if len(model.input_shape) == 1:
        raw = rng.random(shape, dtype=np.float32)
        return Batch(raw, {"images": raw})
    raw = rng.integers(0, 256, shape, dtype=np.uint8)
    return Batch(raw, {"images": prepared(raw, network.input)})


def prepared(raw: np.ndarray, about: Mapping[str, Any]) -> np.ndarray:
    """Images in bytes (n, rows, columns, channels) as the torch module wants them."""
    mean, deviation = (np.float32(about[name]) for name in ("mean", "deviation"))
    normalized = (raw.astype(np.float32) / np.float32(255) - mean) / deviation
    return np.ascontiguousarray(normalized.transpose(0, 3, 1, 2))


def _native(model: NativeModel, value: Mapping[str, Value]) -> Network:
    name = str(value["component"])
    twin = Path(torch_runtime.__file__).parent / "networks" / f"{name}.py"
    if not twin.is_file():
        raise NotExportable(
            f"there is no torch twin of the network `{name}`: `lab export` without `--to` writes "
            "its weights by name"
        )
    arguments = {n: v for n, v in value["args"].items() if n != "weights"}
    own = {"name": name, "arguments": arguments}
    return Network(
        library="torch",
        imports=("import lab_torch",),
        build=f"model = lab_torch.build({own!r})",
        own=own,
        input=_input_of(model),
    )


def _input_of(model: Model) -> dict[str, Any]:
    """What the torch twin is given; the file of a network names the constants of its images."""
    shape = model.input_shape
    if len(shape) == 1:
        return {"images": f"floats (n, {shape[0]})", "range": [0, 1]}
    rows, columns, channels = shape
    constants = vars(sys.modules[type(model).__module__])
    return {
        "images": f"floats (n, {channels}, {rows}, {columns})",
        "layout": "NCHW",
        "mean": list(constants.get("MEAN", (0.0,) * channels)),
        "deviation": list(constants.get("DEVIATION", (1.0,) * channels)),
    }
