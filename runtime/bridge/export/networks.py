"""The torch side of a network: how a torch user builds it, and what it is given.

A network of `lab`'s own has a twin of its name in the exported package; one of a library is built
by the library (`library_code`). Images come in as torch users have them: floats (n, channels, rows,
columns), with the normalization that `lab` does inside the network taken out and stated.
"""

import sys
from collections.abc import Callable, Mapping
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
EXAMPLES = 3


@dataclass(frozen=True)
class Network:
    """How a network is built in torch, and what it takes.

    `build` is code after which `model` is the module, with weights that mean nothing; None where
    only a graph of operators can be built. `answer` is code after which `logits` are those of
    inputs that have the names of `inputs`, which says what each is. `made` builds the module whose
    one answer are the logits. `own` is what `lab_torch.build` takes, None for a network of a
    library; `files` stand beside the weights, by name; `aliases` are other names of tied weights,
    `fixed` those of a state dict's entries that are part of the network and not of its weights.
    """

    library: str
    made: Callable[[], nn.Module]
    build: tuple[str, ...] | None
    answer: tuple[str, ...]
    inputs: Mapping[str, str]
    about: Mapping[str, Any]
    license: str
    own: Mapping[str, Any] | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    files: Mapping[str, bytes] = field(default_factory=dict)
    auto: str = ""


@dataclass(frozen=True)
class Batch:
    """A batch as `lab` has it, and the same as the torch module has it, by name."""

    raw: np.ndarray
    inputs: Mapping[str, np.ndarray]


def network_of(model: Model, value: Mapping[str, Value], origin: Mapping[str, Any]) -> Network:
    """The torch side of a network; `origin` is the value that a study gave it, where one did.

    Raises `NotExportable` where there is none.
    """
    from lab.runtime.bridge.export.library_code import network_of_library
    from lab.runtime.foreign.model import ForeignModel

    if isinstance(model, ForeignModel):
        return network_of_library(model, origin)
    if isinstance(model, NativeModel):
        return _native(model, value)
    raise NotExportable(f"a network `{value['component']}` cannot be built in torch")


def batch_of(model: Model, network: Network) -> Batch:
    """The fixed batch that an export is compared on: drawn from one seed."""
    rng = np.random.default_rng(0)
    shape = (EXAMPLES, *model.input_shape)
    if "planes" in network.about:
        return _texts(shape, network.about, rng)
    (name,) = network.inputs
    if len(model.input_shape) == 1:
        raw = rng.standard_normal(shape, dtype=np.float32)
        return Batch(raw, {name: raw})
    raw = rng.integers(0, 256, shape, dtype=np.uint8)
    return Batch(raw, {name: prepared(raw, network.about)})


def prepared(raw: np.ndarray, about: Mapping[str, Any]) -> np.ndarray:
    """Images in bytes (n, rows, columns, channels) as the torch module wants them."""
    mean, deviation = (np.float32(about[name]) for name in ("mean", "deviation"))
    normalized = (raw.astype(np.float32) / np.float32(255) - mean) / deviation
    return np.ascontiguousarray(normalized.transpose(0, 3, 1, 2))


def _texts(shape: tuple[int, ...], about: Mapping[str, Any], rng: np.random.Generator) -> Batch:
    """Texts of different lengths: tokens, attention mask, token types."""
    count, planes, length = shape
    raw = np.zeros(shape, np.int32)
    kept = np.arange(length) < length - np.arange(count)[:, None] % length
    tokens = rng.integers(1, about["vocabulary"], (count, length))
    raw[:, 0] = np.where(kept, tokens, about["padding"])
    raw[:, 1] = kept
    named = zip(about["planes"], range(planes), strict=True)
    return Batch(raw, {name: raw[:, place].astype(np.int64) for name, place in named if name})


def _native(model: NativeModel, value: Mapping[str, Value]) -> Network:
    name = str(value["component"])
    twin = Path(torch_runtime.__file__).parent / "networks" / f"{name}.py"
    if not twin.is_file():
        raise NotExportable(
            f"there is no torch twin of the network `{name}`: `lab export` without `--to` writes "
            "its weights by name"
        )
    own = {"name": name, "arguments": {n: v for n, v in value["args"].items() if n != "weights"}}
    about = _constants(model)
    return Network(
        library="lab_torch",
        made=lambda: torch_runtime.build(own),
        build=("import lab_torch", f"model = lab_torch.build({own!r})"),
        answer=("logits = model(images)",),
        inputs={"images": described(model.input_shape, about)},
        about=about,
        license="The network's code is a part of `lab_torch`, under `lab`'s license (MIT).",
        own=own,
    )


def _constants(model: Model) -> dict[str, Any]:
    """What images are normalized by; the network says so, or the file that it stands in."""
    if len(model.input_shape) == 1:
        return {"range": [0, 1]}
    channels = model.input_shape[-1]
    constants = vars(sys.modules[type(model).__module__])
    mean = getattr(model, "mean", constants.get("MEAN", (0.0,) * channels))
    deviation = getattr(model, "deviation", constants.get("DEVIATION", (1.0,) * channels))
    return {"mean": list(mean), "deviation": list(deviation)}


def described(shape: tuple[int, ...], about: Mapping[str, Any]) -> str:
    """What the torch module takes, in words."""
    if len(shape) == 1:
        return f"floats (n, {shape[0]}) in 0 … 1, or images (n, channels, rows, columns) of as many"
    rows, columns, channels = shape
    mean, deviation = (", ".join(f"{one:g}" for one in about[n]) for n in ("mean", "deviation"))
    return (
        f"floats (n, {channels}, {rows}, {columns}), intensities in 0 … 1 less the mean ({mean}), "
        f"over the deviation ({deviation})"
    )
