"""Image files in a folder for each class, or in such folders for training, testing, validation.

`lab.runtime.folders.classes` has the layouts, `lab.runtime.folders.pictures` how files become
arrays. The content of the folder is part of a key.
"""

from pathlib import Path
from typing import Literal

from lab.runtime.augmentation import Augmentation
from lab.runtime.dataset import Data, Dataset, data_folder, with_validation
from lab.runtime.folders.classes import class_folders
from lab.runtime.folders.pictures import SUFFIXES, decoded
from lab.spec.declare import File, Pixels, Share, component, parameter


@component("images", kind="data")
class Images(Data):
    """A folder of image files, with a folder for each class."""

    folder: File = parameter(doc="what has class folders, or train, test, val", positional=True)
    size: Pixels | None = parameter(
        None, "side of the square that images are cut to; none where all have one size", low=1
    )
    colors: Literal["rgb", "gray"] = parameter("rgb", "what an image is converted to")
    test: Share = parameter(
        0.2, "of every class, set aside where the folder has no test split", above=0, below=1
    )
    validation: int = parameter(0, "training images set aside, the same ones every time", low=0)
    augment: tuple[Augmentation, ...] = parameter((), "what is done to a training batch, in order")

    def load(self) -> Dataset:
        """All images as bytes, decoded once."""
        root = Path(self.folder)
        found = class_folders(root, SUFFIXES, test=self.test)
        whole = decoded(found, root=root, side=self.size, colors=self.colors, cache=data_folder())
        return with_validation(whole, self.validation)
