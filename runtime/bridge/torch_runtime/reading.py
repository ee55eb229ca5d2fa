"""A compact file: safetensors whose header says how weights are made of its tensors.

The header's entry `lab` is JSON:

    format     the version of this layout
    network    how the module is built, {"name", "arguments"}, or null where the reader brings one
    method     {"component", "args"}, resolved, or null
    shapes     {weight: shape}, of the weights that the method makes
    streams    {place: {field: [kind, bits, shape]}}, numbers the method ships
    aliases    {name: name}, tied weights under their other names
    inputs     what the network takes, in words, by the name of the input

Numbers of a stream are the tensor `place::field`; every other tensor is a parameter or a buffer
under its own name.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors import safe_open
from torch import Tensor

from .stored import Stored

FORMAT = 1
#: Between the place and the field of a stream.
BETWEEN = "::"

Streams = Mapping[str, Mapping[str, Stored]]


class BadExport(Exception):
    """A file that is no export, or one that does not fit the module it is loaded into."""


@dataclass(frozen=True)
class Contents:
    """What a compact file holds. `plain` are parameters and buffers as they are, by name."""

    about: Mapping[str, Any]
    streams: Streams
    plain: Mapping[str, Tensor]


def read(path: str | Path) -> Contents:
    """The contents of a compact file. Raises `BadExport` where it is none."""
    path = Path(path)
    if not path.is_file():
        raise BadExport(f"there is no file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get("lab")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (safetensors.SafetensorError, OSError) as damage:
        raise BadExport(f"{path} is damaged, or no safetensors file: {damage}") from damage
    return contents_of(header, tensors, path)


def contents_of(header: str | None, tensors: Mapping[str, Tensor], path: str | Path) -> Contents:
    """The contents of a file whose header and tensors were read; `path` is for messages."""
    about = _about(path, header)
    return Contents(about, _streams(about["streams"], tensors), _plain(tensors))


def _about(path: str | Path, header: str | None) -> dict[str, Any]:
    if header is None:
        raise BadExport(f"{path} holds plain weights: read it with safetensors.torch.load_file")
    about = json.loads(header)
    if about.get("format") != FORMAT:
        raise BadExport(
            f"{path} has layout {about.get('format')}, and this code reads layout {FORMAT}: use "
            "the `lab_torch` that was exported beside it"
        )
    return about


def _streams(table: Mapping[str, Mapping[str, Any]], tensors: Mapping[str, Tensor]) -> Streams:
    return {
        place: {
            field: Stored(
                tensors[f"{place}{BETWEEN}{field}"], kind=kind, bits=bits, shape=tuple(shape)
            )
            for field, (kind, bits, shape) in fields.items()
        }
        for place, fields in table.items()
    }


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
        for name, values in tensors.items()
        if BETWEEN not in name
    }
