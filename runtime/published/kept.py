"""Arrays of a set that was read once: kept as a folder of four files, whole or absent."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from lab.runtime.dataset import Examples
from lab.runtime.errors import BadData

PARTS = ("train_inputs", "train_labels", "test_inputs", "test_labels")

Arrays = tuple[Examples, Examples]


def keep(found: Arrays, target: Path) -> None:
    """Put the training and the test examples into a new folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial_folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=".tmp-"))
    try:
        for name, array in zip(PARTS, (*found[0], *found[1]), strict=True):
            with (partial_folder / f"{name}.npy").open("wb") as file:
                np.save(file, array)
                os.fsync(file.fileno())
        partial_folder.rename(target)
    except OSError:
        shutil.rmtree(partial_folder)
        if not target.is_dir():  # and no other process was quicker
            raise


def read_kept(folder: Path) -> Arrays:
    """The examples in such a folder, mapped into memory. Raises `BadData`."""
    try:
        parts = [np.load(folder / f"{n}.npy", allow_pickle=False, mmap_mode="r") for n in PARTS]
    except (OSError, ValueError, EOFError) as error:
        raise BadData(f"{folder} cannot be read ({error}): remove it to have it made anew") from (
            error
        )
    return Examples(*parts[:2]), Examples(*parts[2:])
