"""Handwritten digits of 8 × 8 pixels, in scikit-learn's wheel (Alpaydin and Kaynak 1998, UCI).

1,797 images with intensities in sixteenths. 500 of them, the same ones every time, are for testing.
"""

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from lab.runtime.augmentation import Augmentation
from lab.runtime.dataset import Data, Dataset, Examples, carve, content_of, with_validation
from lab.runtime.errors import MissingFile
from lab.spec.declare import component, parameter

TEST_COUNT, SPLIT_SEED = 500, 20
CLASSES = 10
#: Inside the package.
FILE = "datasets/data/digits.csv.gz"


@component(
    "digits",
    kind="data",
    content="sha256:50b99e3e57ba5906db572d726d51286ef19373d1e5b46a42407e7028146c0b5e",
    examples=1_297,
    facts="lab.runtime.facts.data:digits",
)
class Digits(Data):
    """1,297 training and 500 test images of handwritten digits, 8 × 8, nothing to download."""

    validation: int = parameter(0, "training images set aside, the same ones every time", low=0)
    augment: tuple[Augmentation, ...] = parameter((), "what is done to a training batch, in order")

    def load(self) -> Dataset:
        """All images as float32 in 0 … 1, with one channel."""
        train, test = carve(_everything(), TEST_COUNT, seed=SPLIT_SEED)
        whole = Dataset(train, test, classes=CLASSES, content=content_of(train, test))
        return with_validation(whole, self.validation)


def _everything() -> Examples:
    table = _table()
    images = (table[:, :-1].reshape(-1, 8, 8) / 16).astype(np.float32)[..., None]
    return Examples(images, table[:, -1].astype(np.int32))


def _table() -> np.ndarray:
    """Pixels and label of each image, from the file of the wheel.

    What `load_digits` reads, too; but to import it takes a second, in each process that trains.
    """
    found = find_spec("sklearn")
    home = None if found is None else found.submodule_search_locations
    if not home:
        raise MissingFile("the digits come with scikit-learn: pip install scikit-learn")
    with gzip.open(Path(home[0], *FILE.split("/")), "rt", encoding="ascii") as lines:
        return np.loadtxt(lines, delimiter=",")
