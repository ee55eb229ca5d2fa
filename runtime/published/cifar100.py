"""CIFAR-100 (Krizhevsky 2009): 500 training and 100 test images of each of a hundred classes.

The authors publish an archive for Python and one in binary form; both hold the fine and the coarse
label of each image, of which the fine one is read.
"""

import io
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lab.runtime.cifar10.archive import ArraysOnly, in_archive, in_folder
from lab.runtime.cifar10.layout import from_planes
from lab.runtime.dataset import Examples
from lab.runtime.download import Remote, verify
from lab.runtime.errors import BadData
from lab.runtime.published.kept import Arrays
from lab.runtime.published.places import Published

HOST = "https://www.cs.toronto.edu/~kriz"
BINARY_ARCHIVE, BINARY_FOLDER = "cifar-100-binary.tar.gz", "cifar-100-binary"
PYTHON_ARCHIVE, PYTHON_FOLDER = "cifar-100-python.tar.gz", "cifar-100-python"
#: MD5 of the published archives, and of the two files of the Python form.
MD5 = {
    BINARY_ARCHIVE: "03b5dce01913d631647c71ecec9e9cb8",
    PYTHON_ARCHIVE: "eb9058c3a382ffc7106e4002c42a8d85",
}
CLASSES = 100
#: A coarse label, a fine label, and three planes of 1,024 bytes.
RECORD = 2 + 3072

Member = Callable[[str], bytes]


def read_binary(member: Member) -> Arrays:
    """The arrays of the binary form; `member` gives the bytes of a file in its folder."""
    train, test = (_binary(member(f"{BINARY_FOLDER}/{n}.bin"), n) for n in ("train", "test"))
    return train, test


def read_python(member: Member) -> Arrays:
    """The arrays of the Python form; `member` gives the bytes of a file in its folder."""
    train, test = (_python(member(f"{PYTHON_FOLDER}/{n}"), n) for n in ("train", "test"))
    return train, test


def _binary(data: bytes, name: str) -> Examples:
    if len(data) % RECORD:
        raise BadData(
            f"{name}.bin of CIFAR-100 has {len(data)} bytes, which is not a multiple of {RECORD:,}"
        )
    rows = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
    return from_planes(rows[:, 2:], rows[:, 1])


def _python(data: bytes, name: str) -> Examples:
    try:
        batch = ArraysOnly(io.BytesIO(data), encoding="bytes").load()
        return from_planes(np.asarray(batch[b"data"]), np.asarray(batch[b"fine_labels"]))
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise BadData(f"{name} of CIFAR-100 cannot be read: {error}") from error


def _finder(unpacked: str, packed: str, read: Callable[[Member], Arrays]) -> Callable:
    def find(folder: Path) -> Arrays | None:
        if (folder / unpacked).is_dir():
            return read(in_folder(folder))
        if (folder / packed).is_file():
            verify(folder / packed, algorithm="md5", digest=MD5[packed])
            return read(in_archive(folder / packed))
        return None

    return find


CIFAR100 = Published(
    title="CIFAR-100",
    name="cifar100",
    content=None,
    counts=(50_000, 10_000),
    classes=CLASSES,
    finders=(
        _finder(BINARY_FOLDER, BINARY_ARCHIVE, read_binary),
        _finder(PYTHON_FOLDER, PYTHON_ARCHIVE, read_python),
    ),
    remotes=(
        Remote(
            BINARY_ARCHIVE,
            f"{HOST}/{BINARY_ARCHIVE}",
            algorithm="md5",
            digest=MD5[BINARY_ARCHIVE],
            size=168_513_733,
        ),
    ),
    put=f"{BINARY_ARCHIVE} or {PYTHON_ARCHIVE}",
)
