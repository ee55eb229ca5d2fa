"""Numbers as strings of bits: `ceil(count * bits / 8)` bytes, least significant bit first.

Signed integers are stored in two's complement. Floats keep their IEEE bytes, little endian.
"""

import math
from typing import Literal

import numpy as np

from lab.runtime.reparameterization import Stream

#: `i` signed, `u` unsigned, `b` boolean, `f` floating point.
Kind = Literal["i", "u", "b", "f"]
KINDS: tuple[Kind, ...] = ("i", "u", "b", "f")


def kind_of(stream: Stream) -> Kind:
    """Which numbers a stream holds. Raises ValueError where they do not fit the bits declared."""
    kind = stream.values.dtype.kind
    if kind not in KINDS:
        raise ValueError(f"a stream holds numbers, not {stream.values.dtype}")
    if kind == "f":
        _demand(stream.bits in (16, 32), stream, "floats have 16 or 32 bits")
        _demand(stream.values.dtype.itemsize * 8 == stream.bits, stream, "another width")
    elif kind == "b":
        _demand(stream.bits == 1, stream, "a boolean has one bit")
    else:
        _demand(1 <= stream.bits <= 32, stream, "integers have 1 to 32 bits")
        low, high = _limits(kind, stream.bits)
        values = stream.values
        fits = not values.size or (int(values.min()) >= low and int(values.max()) <= high)
        _demand(fits, stream, f"outside {low} … {high}")
    return kind


def packed_bytes(count: int, bits: int) -> int:
    """The bytes that `count` numbers of `bits` bits take."""
    return (count * bits + 7) // 8


def to_bytes(stream: Stream) -> bytes:
    """The bytes of a stream."""
    if kind_of(stream) == "f":
        return stream.values.astype(f"<f{stream.bits // 8}", copy=False).tobytes()
    patterns = stream.values.reshape(-1).astype(np.int64) & ((1 << stream.bits) - 1)
    bits = (patterns[:, None] >> np.arange(stream.bits)) & 1
    return np.packbits(bits.astype(np.uint8), bitorder="little").tobytes()


def from_bytes(content: bytes, *, kind: Kind, bits: int, shape: tuple[int, ...]) -> np.ndarray:
    """The numbers behind `to_bytes`, as int32, uint32, bool, float16 or float32."""
    count = math.prod(shape)
    if kind == "f":
        width = bits // 8
        floats = np.frombuffer(content, dtype=f"<f{width}", count=count)
        return floats.astype(f"f{width}").reshape(shape)
    raw = np.frombuffer(content, dtype=np.uint8)
    table = np.unpackbits(raw, count=count * bits, bitorder="little").reshape(count, bits)
    values = table.astype(np.int64) @ (1 << np.arange(bits, dtype=np.int64))
    if kind == "i":
        values -= (values >> (bits - 1)) << bits
    dtype = {"i": np.int32, "u": np.uint32, "b": np.bool_}[kind]
    return values.astype(dtype).reshape(shape)


def _limits(kind: Kind, bits: int) -> tuple[int, int]:
    if kind == "i":
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1


def _demand(condition: bool, stream: Stream, why: str) -> None:
    if not condition:
        raise ValueError(f"{stream.values.dtype} does not fit {stream.bits} bits: {why}")
