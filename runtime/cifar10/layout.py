"""What CIFAR-10 is (Krizhevsky 2009): 50,000 + 10,000 images of 32 × 32 pixels, ten classes."""

import numpy as np

from lab.runtime.dataset import Examples, content_of
from lab.runtime.errors import BadData

#: Of the arrays of the whole set, in the official order.
CONTENT = "sha256:fd1294031143afdb9ae4aa49999a53e6559f4901b5ab1bd54d78e3ae214199de"
TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_BATCH = "test_batch"
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

Arrays = tuple[Examples, Examples]


def from_planes(planes: np.ndarray, labels: np.ndarray) -> Examples:
    """Examples of rows of 3,072 bytes: the red, the green and the blue plane."""
    images = planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Examples(np.ascontiguousarray(images), np.asarray(labels, np.int32))


def joined(parts: list[Examples]) -> Examples:
    """The parts, one after the other."""
    return Examples(
        np.concatenate([part.inputs for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def checked(arrays: Arrays, *, place: str) -> Arrays:
    """The arrays, when they are CIFAR-10 to the last byte. Raises `BadData` otherwise."""
    found = content_of(*arrays)
    if found != CONTENT:
        raise BadData(
            f"what lies in {place} is not CIFAR-10: its content is {found[:20]}…, "
            f"{CONTENT[:20]}… was expected. Remove it, or put a whole copy there"
        )
    return arrays
