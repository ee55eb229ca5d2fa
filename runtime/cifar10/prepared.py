"""CIFAR-10 as TensorFlow Datasets prepared it (array_record), read without TensorFlow.

TensorFlow Datasets shuffles when it prepares; an example's `id` ends in its official number.
"""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from lab.runtime.cifar10.layout import Arrays
from lab.runtime.dataset import Examples


def prepared_folder() -> Path | None:
    """The newest folder of a prepared CIFAR-10, where there is one and it can be read."""
    if find_spec("tensorflow_datasets") is None:
        return None
    root = os.environ.get("TFDS_DATA_DIR") or Path.home() / "tensorflow_datasets"
    versions = sorted((Path(root) / "cifar10").glob("*/dataset_info.json"))
    readable = [v.parent for v in versions if any(v.parent.glob("*.array_record*"))]
    return readable[-1] if readable else None


def read_prepared(folder: Path) -> Arrays:
    """The arrays in a prepared folder, in the official order."""
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    return _split(builder, "train"), _split(builder, "test")


def _split(builder: object, name: str) -> Examples:
    source = builder.as_data_source(split=name)  # pyright: ignore[reportAttributeAccessIssue] - tfds is untyped
    rows = sorted(
        ((_number(row["id"]), row["image"], row["label"]) for row in source),
        key=lambda row: row[0],
    )
    images = np.stack([np.asarray(image, np.uint8) for _, image, _ in rows])
    return Examples(images, np.asarray([label for _, _, label in rows], np.int32))


def _number(identity: bytes | str) -> int:
    text = identity.decode() if isinstance(identity, bytes) else identity
    return int(text.rsplit("_", 1)[-1])
