"""The part of CIFAR-10 that ships with the project, and the rule that chose it.

The first 2,000 test images, and of the training images the first 100 of each class, both in the
official order: lossless mosaics of 50 images a row, with labels and provenance beside them. Running
this module (`python -m lab.runtime.cifar10.sample`) makes the files anew from the whole set.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lab.runtime.cifar10 import archive, npm
from lab.runtime.cifar10.layout import CLASSES, CONTENT, Arrays
from lab.runtime.cifar10.places import arrays
from lab.runtime.dataset import Examples, content_of, data_folder

FOLDER = Path(__file__).parents[1] / "data"
ABOUT = FOLDER / "cifar10_sample.json"
MOSAICS = (FOLDER / "cifar10_sample_train.png", FOLDER / "cifar10_sample_test.png")
#: One digit for each image.
LABELS = ("train_labels", "test_labels")
TEST_COUNT, TRAIN_PER_CLASS, COLUMNS = 2000, 100, 50
RULE = (
    f"test: the first {TEST_COUNT} images; train: the first {TRAIN_PER_CLASS} of each class; "
    "both in the official order"
)


def chosen(whole: Arrays) -> Arrays:
    """The sample of the whole set that the rule gives."""
    train, test = whole
    firsts = [np.flatnonzero(train.labels == k)[:TRAIN_PER_CLASS] for k in range(len(CLASSES))]
    rows = np.sort(np.concatenate(firsts))
    return (
        Examples(train.inputs[rows], train.labels[rows]),
        Examples(test.inputs[:TEST_COUNT], test.labels[:TEST_COUNT]),
    )


def read() -> Arrays:
    """The sample that ships with the project."""
    about = json.loads(ABOUT.read_text())
    labels = [np.asarray([*map(int, about[name])], np.int32) for name in LABELS]
    train, test = (Examples(_tiles(path), y) for path, y in zip(MOSAICS, labels, strict=True))
    return train, test


def write(whole: Arrays) -> None:
    """Make the files of the sample from the whole set."""
    sample = chosen(whole)
    for path, part in zip(MOSAICS, sample, strict=True):
        Image.fromarray(_mosaic(part.inputs)).save(path, optimize=True)
    ABOUT.write_text(json.dumps(_provenance(sample), indent=1) + "\n")


def _provenance(sample: Arrays) -> dict[str, Any]:
    train, test = sample
    return {
        "source": "CIFAR-10; A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, "
        "technical report, University of Toronto, 2009",
        "collected_by": "Alex Krizhevsky, Vinod Nair and Geoffrey Hinton",
        "rule": RULE,
        "whole_set": {
            "content": CONTENT,
            archive.BINARY_ARCHIVE: f"md5:{archive.MD5}",
            npm.ARCHIVE: f"sha256:{npm.SHA256}",
        },
        "content": content_of(train, test),
        "classes": list(CLASSES),
        **{name: "".join(map(str, part.labels)) for name, part in zip(LABELS, sample, strict=True)},
    }


def _mosaic(images: np.ndarray) -> np.ndarray:
    grid = images.reshape(-1, COLUMNS, 32, 32, 3).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(grid).reshape(-1, COLUMNS * 32, 3)


def _tiles(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    grid = pixels.reshape(-1, 32, COLUMNS, 32, 3).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(grid).reshape(-1, 32, 32, 3)


if __name__ == "__main__":
    write(arrays(data_folder()))
