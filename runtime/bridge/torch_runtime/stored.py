"""Numbers as they are kept: whole numbers in as many bits as they need, and floats.

Whole numbers of 8 or 16 bits are an int8, uint8 or int16 tensor. Of any other width they are
strings of bits in a uint8 tensor, least significant bit first, signed ones in two's complement.
"""

import math

import torch
from torch import Tensor, nn

#: Widths with a tensor type of their own, by the kind of number.
PLAIN = {
    ("i", 8): torch.int8,
    ("u", 8): torch.uint8,
    ("i", 16): torch.int16,
    ("f", 16): torch.float16,
    ("f", 32): torch.float32,
}


def is_packed(kind: str, bits: int) -> bool:
    """Whether numbers of a kind (`i` signed, `u` unsigned, `b` boolean, `f` float) are packed."""
    return (kind, bits) not in PLAIN


class Stored(nn.Module):
    """Numbers of a file. Calling it gives them; a state dict has what the file has."""

    raw: Tensor

    def __init__(self, raw: Tensor, *, kind: str, bits: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.kind, self.bits, self.shape = kind, bits, tuple(shape)
        self.packed = is_packed(kind, bits)
        self.register_buffer("raw", raw if self.packed else raw.reshape(self.shape))

    def forward(self) -> Tensor:
        """The numbers: whole ones as int8, int16 or int32, booleans as bool, floats as kept."""
        if not self.packed:
            return self.raw
        values = unpacked(self.raw, bits=self.bits, count=math.prod(self.shape))
        if self.kind == "i":
            values = values - ((values >> (self.bits - 1)) << self.bits)
        return _narrow(values, self.kind, self.bits).reshape(self.shape)

    def expand(self) -> None:
        """Keep whole numbers in whole bytes from now on: a graph of operators then needs no bits.

        Booleans become uint8, because file formats of graphs have that type, and no numbers become
        one that is not looked at, because an archive has no place for arrays without numbers.
        """
        if self.raw.numel() == 0 and self.kind == "f":
            self.raw = torch.zeros(1, dtype=self.raw.dtype)
        if self.packed:
            values = self()
            self.raw = values.to(torch.uint8) if self.kind == "b" else values
            self.packed = False

    def extra_repr(self) -> str:
        """What is kept."""
        return f"{self.kind}{self.bits}, {self.shape}"


def unpacked(raw: Tensor, *, bits: int, count: int) -> Tensor:
    """`count` unsigned numbers of `bits` bits (at most 31) from their bytes, as int16 or int32."""
    if 8 % bits == 0:
        shifts = torch.arange(0, 8, bits, device=raw.device, dtype=torch.uint8)
        lanes = (raw[:, None] >> shifts) & ((1 << bits) - 1)
        return lanes.reshape(-1)[:count].to(torch.int16)
    shifts = torch.arange(8, device=raw.device, dtype=torch.uint8)
    planes = ((raw[:, None] >> shifts) & 1).reshape(-1)[: count * bits].reshape(count, bits)
    wide = torch.int16 if bits < 8 else torch.int32
    values = torch.zeros(count, dtype=wide, device=raw.device)
    for place in range(bits):
        values |= planes[:, place].to(wide) << place
    return values


def _narrow(values: Tensor, kind: str, bits: int) -> Tensor:
    if kind == "b":
        return values.to(torch.bool)
    if bits < 8:
        return values.to(torch.int8)
    return values.to(torch.int16 if bits < 16 else torch.int32)
