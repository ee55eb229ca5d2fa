"""The compact file: what a method ships, in safetensors, for the torch package beside it.

Numbers are those of `Reparameterization.pack`: whole ones in as many bits as they have, floats as
they are stored. `lab.runtime.bridge.torch_runtime.reading` says how the file is laid out. A method
is exported so where a decoder of it is written in torch: a file of its name among those of the
package, or, for a method of one's own, `<name of its file>_torch.py` beside its file.
"""

import inspect
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import torch

from lab.runtime import registry
from lab.runtime.bits import kind_of, to_bytes
from lab.runtime.bridge import torch_runtime
from lab.runtime.bridge.export.networks import Network
from lab.runtime.bridge.export.subject import Subject, on_host
from lab.runtime.bridge.torch_runtime import decoders
from lab.runtime.bridge.torch_runtime.reading import BETWEEN, FORMAT, Contents, contents_of
from lab.runtime.bridge.torch_runtime.stored import is_packed
from lab.runtime.reparameterization import Packed, Stream
from lab.spec.values import Value

#: The name of the package that a compact export is read with.
PACKAGE = "lab_torch"
_OWN = "_torch.py"


def content(subject: Subject, network: Network) -> bytes:
    """The file of a model."""
    text, tensors = _layout(subject, network)
    return safetensors.numpy.save(tensors, metadata={"lab": text})


def contents(subject: Subject, network: Network) -> Contents:
    """What a reader of the file gets."""
    text, tensors = _layout(subject, network)
    return contents_of(text, {n: torch.from_numpy(v.copy()) for n, v in tensors.items()}, "here")


def _layout(subject: Subject, network: Network) -> tuple[str, dict[str, np.ndarray]]:
    """The header and the tensors."""
    artifact, method = subject.artifact, subject.method
    packed: Packed = {} if method is None else method.pack(artifact.split)
    tensors = {**_fixed(network), **on_host(artifact.rest), **subject.buffers}
    for place, field, stream in _streams(packed):
        tensors[f"{place}{BETWEEN}{field}"] = _raw(stream)
    about = {
        "format": FORMAT,
        "network": network.own,
        "method": _arguments(subject.method_value),
        "shapes": dict(artifact.shapes),
        "streams": _table(packed),
        "aliases": dict(network.aliases),
        "inputs": dict(network.inputs),
    }
    text = json.dumps(about, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text, tensors


def _fixed(network: Network) -> dict[str, np.ndarray]:
    """Floats of a state dict that belong to the network, so that the file is whole."""
    if not network.fixed:
        return {}
    state = network.made().state_dict()
    floats = {name: state[name] for name in network.fixed if state[name].is_floating_point()}
    return {name: values.numpy() for name, values in floats.items()}


def whole_numbers(subject: Subject) -> int:
    """How many streams of whole numbers or booleans a model ships."""
    if subject.method is None:
        return 0
    packed = subject.method.pack(subject.artifact.split)
    return sum(kind_of(stream) != "f" for *_, stream in _streams(packed))


def lacking(subject: Subject) -> str | None:
    """The method, this one or one inside it, that has no decoder; None where all have."""
    for name in _methods(subject.method_value):
        if not (_shipped(name).is_file() or _own(name)):
            return name
    return None


def learn(subject: Subject) -> None:
    """Know the decoders of methods of one's own in this process."""
    for name in _methods(subject.method_value):
        path = _own(name)
        if path is not None and not _shipped(name).is_file():
            decoders.learn(name, path)


def copy_package(subject: Subject, folder: Path) -> None:
    """The package, with decoders of methods of one's own, into a folder."""
    source = Path(torch_runtime.__file__).parent
    target = folder / PACKAGE
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _methods(subject.method_value):
        path = _own(name)
        if path is not None and not _shipped(name).is_file():
            shutil.copyfile(path, target / "decoders" / f"{name}.py")


def _methods(value: Value) -> Iterator[str]:
    """The methods in a value, outermost first."""
    while isinstance(value, Mapping):
        yield str(value["component"])
        value = value["args"].get("through")


def _shipped(name: str) -> Path:
    return Path(decoders.__file__).with_name(f"{name}.py")


def _own(name: str) -> Path | None:
    signature = registry.catalog().signatures["reparameterization", name]
    file = Path(inspect.getfile(registry.component_class(signature)))
    beside = file.with_name(f"{file.stem}{_OWN}")
    return beside if beside.is_file() else None


def _arguments(value: Mapping[str, Value] | None) -> dict[str, Any] | None:
    """A method and its arguments, without the places of files."""
    if value is None:
        return None
    return {"component": value["component"], "args": value["args"]}


def _streams(packed: Packed) -> Iterator[tuple[str, str, Stream]]:
    for place, fields in packed.items():
        for field, stream in fields.items():
            yield place, field, stream


def _table(packed: Packed) -> dict[str, dict[str, list[Any]]]:
    return {
        place: {
            field: [kind_of(stream), stream.bits, list(stream.values.shape)]
            for field, stream in fields.items()
        }
        for place, fields in packed.items()
    }


def _raw(stream: Stream) -> np.ndarray:
    """A stream as a tensor: bytes of bits, or numbers of a type that tensors have."""
    kind = kind_of(stream)
    if is_packed(kind, stream.bits):
        return np.frombuffer(to_bytes(stream), np.uint8)
    values = stream.values.astype(f"{kind}{stream.bits // 8}")
    return np.ascontiguousarray(values).reshape(stream.values.shape)
