"""CIFAR-10 as its authors publish it: an archive of batches, for Python or in binary form."""

import io
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lab.runtime.cifar10.layout import TEST_BATCH, TRAIN_BATCHES, Arrays, from_planes, joined
from lab.runtime.dataset import Examples
from lab.runtime.errors import BadData

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
BINARY_ARCHIVE, PYTHON_ARCHIVE = "cifar-10-binary.tar.gz", "cifar-10-python.tar.gz"
BINARY_FOLDER, PYTHON_FOLDER = "cifar-10-batches-bin", "cifar-10-batches-py"
#: Where NumPy 1, which wrote the published batches, had what NumPy 2 has elsewhere.
MOVED = {"numpy.core.multiarray": "numpy._core.multiarray"}
#: What a batch that pickles arrays may name; anything else is refused.
HARMLESS = {
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


def read_binary(member: Callable[[str], bytes]) -> Arrays:
    """The arrays of the binary form; `member` gives the bytes of a file in its folder."""
    return _arrays(lambda name: _binary_batch(member(f"{BINARY_FOLDER}/{name}.bin")))


def read_python(member: Callable[[str], bytes]) -> Arrays:
    """The arrays of the Python form; `member` gives the bytes of a file in its folder."""
    return _arrays(lambda name: _python_batch(member(f"{PYTHON_FOLDER}/{name}"), name))


def in_folder(folder: Path) -> Callable[[str], bytes]:
    """Members of an archive that was unpacked in a folder."""
    return lambda name: (folder / name).read_bytes()


def in_archive(path: Path) -> Callable[[str], bytes]:
    """Members of a compressed archive, read at once: a stream of it cannot go back."""
    try:
        with tarfile.open(path) as archive:
            files = {
                m.name: archive.extractfile(m).read()  # pyright: ignore[reportOptionalMemberAccess] - m is a file
                for m in archive
                if m.isfile()
            }
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadData(
            f"{path} cannot be read ({error}): remove it, or put a whole copy there"
        ) from error

    def member(name: str) -> bytes:
        if name not in files:
            raise BadData(f"{path} has no {name}; it has {', '.join(sorted(files))}")
        return files[name]

    return member


def _arrays(batch: Callable[[str], Examples]) -> Arrays:
    return joined([batch(name) for name in TRAIN_BATCHES]), batch(TEST_BATCH)


def _binary_batch(data: bytes) -> Examples:
    if len(data) % 3073:
        raise BadData(f"a CIFAR-10 batch has {len(data)} bytes, which is not a multiple of 3,073")
    rows = np.frombuffer(data, np.uint8).reshape(-1, 3073)
    return from_planes(rows[:, 1:], rows[:, 0])


def _python_batch(data: bytes, name: str) -> Examples:
    try:
        batch = ArraysOnly(io.BytesIO(data), encoding="bytes").load()
        return from_planes(np.asarray(batch[b"data"]), np.asarray(batch[b"labels"]))
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise BadData(f"the CIFAR-10 batch {name} cannot be read: {error}") from error


class ArraysOnly(pickle.Unpickler):
    """Reads pickled arrays and nothing else: a pickle could otherwise run any code."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        """The few names that pickled arrays need."""
        module_name = MOVED.get(module_name, module_name)
        if (module_name, global_name) not in HARMLESS:
            raise pickle.UnpicklingError(f"it names {module_name}.{global_name}, which is no array")
        return super().find_class(module_name, global_name)
