"""Arrays in the idx format (LeCun, Cortes and Burges 1998, "The MNIST database"), plain or gzipped.

A file has two zero bytes, a byte for the type (8: unsigned bytes), one for the number of axes, the
length of each axis as a big-endian 32-bit number, and then the values.
"""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from lab.runtime.errors import BadData

UNSIGNED_BYTES = 8


def read_idx(path: Path, *, axes: int) -> np.ndarray:
    """The bytes in a file, with so many axes. Raises `BadData`.

    Args:
        path: of the file; `.gz` at its end says that it is compressed.
    """
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise BadData(f"{path} cannot be read ({error}): put a whole copy there") from error
    return decoded(data, axes=axes, name=str(path))


def decoded(data: bytes, *, axes: int, name: str) -> np.ndarray:
    """The array in the bytes of an idx file. Raises `BadData` naming the file.

    Example:
        >>> decoded(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), axes=1, name="two labels")
        array([7, 9], dtype=uint8)
    """
    start = 4 + 4 * axes
    if len(data) < start or data[:4] != bytes([0, 0, UNSIGNED_BYTES, axes]):
        raise BadData(f"{name} is no idx file of bytes with {axes} axes")
    shape = struct.unpack(f">{axes}I", data[4:start])
    values = np.frombuffer(data, np.uint8, offset=start)
    if values.size != int(np.prod(shape, dtype=np.int64)):
        raise BadData(
            f"{name} has {values.size} values, and says {' × '.join(map(str, shape))}: it is cut"
        )
    return values.reshape(shape)
