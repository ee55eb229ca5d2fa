"""The file of a packed model, and the one counter of its size.

From this file alone, with the model's code, a model is rebuilt; its length is what a compression
ratio divides by. Methods say which numbers they ship (`Stream`), this module how they lie on disk:

    magic (6) | format version (2) | length of the header (4) | header | streams | SHA-256 (32)

The header is JSON, compressed: the model, the method, shapes, and a table of the streams, which
follow one another in the table's order, each padded to a whole byte. The hash covers all before it.
"""

import hashlib
import json
import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lab.runtime.bits import Kind, from_bytes, kind_of, packed_bytes, to_bytes
from lab.runtime.errors import CorruptFile, MissingFile
from lab.runtime.reparameterization import Packed, Shapes, Stream
from lab.spec.values import Value

MAGIC = b"\x93LABPK"
VERSION = 1
_PREFIX = struct.Struct("<6sHI")
_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Contents:
    """What a packed file holds.

    `packed` are the streams of `method` for the weights of `shapes`; `rest` the parameters that it
    was not given and `buffers` the batch statistics, as they are.
    """

    model: Mapping[str, Value]
    method: Mapping[str, Value] | None
    shapes: Shapes
    packed: Packed
    rest: Mapping[str, np.ndarray] = field(default_factory=dict)
    buffers: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Sizes:
    """Four sizes of one model, to be reported side by side.

    `file_bytes` is the length of the file. `state_bytes` is that of the model's parameters and
    batch statistics in float32. `nominal_bits` adds up count times bits of every stream;
    `entropy_bits` puts the empirical entropy in place of the bits of an integer stream. The last
    two leave out the header and are no sizes of anything on disk.
    """

    file_bytes: int
    state_bytes: int
    nominal_bits: int
    entropy_bits: float

    @property
    def ratio(self) -> float:
        """Bytes of the float32 state over bytes of the file."""
        return self.state_bytes / self.file_bytes


class _Entry(NamedTuple):
    """A line of the stream table."""

    section: str
    path: str
    field: str
    kind: Kind
    bits: int
    shape: tuple[int, ...]

    @property
    def length(self) -> int:
        return packed_bytes(math.prod(self.shape), self.bits)


def write(path: Path, contents: Contents) -> Sizes:
    """Write a packed model and say how large it is; a part of one fails its checksum."""
    streams = list(_streams(contents))
    table = [
        _Entry(section, name, part, kind_of(stream), stream.bits, stream.values.shape)
        for section, name, part, stream in streams
    ]
    header = _header(contents, table)
    body = b"".join(to_bytes(stream) for *_, stream in streams)
    content = _PREFIX.pack(MAGIC, VERSION, len(header)) + header + body
    content += hashlib.sha256(content).digest()
    path.write_bytes(content)
    return measure(contents, file_bytes=len(content))


def read(path: Path) -> Contents:
    """The contents of a packed model. Raises `CorruptFile` where a single bit is wrong."""
    content = _checked(path)
    _, _, header_bytes = _PREFIX.unpack_from(content)
    start = _PREFIX.size + header_bytes
    header = json.loads(zlib.decompress(content[_PREFIX.size : start]))
    sections: dict[str, dict[str, dict[str, Stream]]] = {"packed": {}, "rest": {}, "buffers": {}}
    for entry in _entries(header["streams"]):
        raw = content[start : start + entry.length]
        values = from_bytes(raw, kind=entry.kind, bits=entry.bits, shape=entry.shape)
        parts = sections[entry.section].setdefault(entry.path, {})
        parts[entry.field] = Stream(values, entry.bits)
        start += entry.length
    return Contents(
        model=header["model"],
        method=header["method"],
        shapes={name: tuple(shape) for name, shape in header["shapes"].items()},
        packed=sections["packed"],
        rest=_plain(sections["rest"]),
        buffers=_plain(sections["buffers"]),
    )


def sizes(path: Path) -> Sizes:
    """The sizes of a packed model, from its file."""
    return measure(read(path), file_bytes=path.stat().st_size)


def measure(contents: Contents, *, file_bytes: int) -> Sizes:
    """The sizes of a packed model whose file has `file_bytes` bytes."""
    streams = [stream for *_, stream in _streams(contents)]
    plain = (*contents.rest.values(), *contents.buffers.values())
    counts = [math.prod(shape) for shape in contents.shapes.values()]
    return Sizes(
        file_bytes=file_bytes,
        state_bytes=4 * (sum(counts) + sum(values.size for values in plain)),
        nominal_bits=sum(stream.values.size * stream.bits for stream in streams),
        entropy_bits=sum(_entropy_bits(stream) for stream in streams),
    )


def _streams(contents: Contents) -> Iterator[tuple[str, str, str, Stream]]:
    for path, parts in contents.packed.items():
        for part, stream in parts.items():
            yield "packed", path, part, stream
    for section, arrays in (("rest", contents.rest), ("buffers", contents.buffers)):
        for path, values in arrays.items():
            bits = 1 if values.dtype.kind == "b" else values.dtype.itemsize * 8
            yield section, path, "", Stream(values, bits)


def _plain(section: Mapping[str, Mapping[str, Stream]]) -> dict[str, np.ndarray]:
    return {path: parts[""].values for path, parts in section.items()}


def _header(contents: Contents, table: list[_Entry]) -> bytes:
    header = {
        "model": _without_files(dict(contents.model)),
        "method": contents.method and _without_files(dict(contents.method)),
        "shapes": contents.shapes,
        # By columns, which compress better than lines.
        "streams": list(zip(*table, strict=True)),
    }
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return _compressed(text)


@lru_cache(64)
def _compressed(text: str) -> bytes:
    """A header; models of one form, of which a study has many, have the same."""
    return zlib.compress(text.encode(), 9)


def _entries(columns: list[list]) -> Iterator[_Entry]:
    for section, path, part, kind, bits, shape in zip(*columns, strict=True):
        yield _Entry(section, path, part, kind, bits, tuple(shape))


def _without_files(value: Value) -> Value:
    """A packed model needs no other file, so it names none."""
    if isinstance(value, dict):
        if "file" in value:
            return None
        return {name: _without_files(part) for name, part in value.items()}
    return [_without_files(part) for part in value] if isinstance(value, list) else value


def _checked(path: Path) -> bytes:
    if not path.is_file():
        raise MissingFile(f"there is no packed model at {path}; run the stage that ships it")
    content = path.read_bytes()
    remedy = "delete it and run the study again, or copy it anew from where it came"
    if not content.startswith(MAGIC):
        raise CorruptFile(
            f"{path} is not a packed model (it does not begin with its mark); {remedy}"
        )
    if len(content) < _PREFIX.size + _DIGEST_BYTES:
        raise CorruptFile(f"{path} is cut off after {len(content)} bytes; {remedy}")
    _, version, _ = _PREFIX.unpack_from(content)
    if version != VERSION:
        raise CorruptFile(
            f"{path} has format version {version}, and this program reads version {VERSION}; "
            "run the study again with this program, or read the file with the one that wrote it"
        )
    if hashlib.sha256(content[:-_DIGEST_BYTES]).digest() != content[-_DIGEST_BYTES:]:
        raise CorruptFile(f"{path} is damaged: its bytes do not match their checksum; {remedy}")
    return content


def _entropy_bits(stream: Stream) -> float:
    """Count times the empirical entropy of integers; floats at their bits."""
    values = stream.values
    if values.dtype.kind == "f" or not values.size:
        return float(values.size * stream.bits)
    _, counts = np.unique(values, return_counts=True)
    shares = counts / values.size
    return float(-values.size * np.sum(shares * np.log2(shares)))
