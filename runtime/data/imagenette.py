"""Imagenette (Howard 2019, github.com/fastai/imagenette): ten easy classes of ImageNet.

Second version: 9,469 training and 3,925 validation images, the latter the test split here. Three
archives have the same images with a shorter side of 160 or 320 pixels, or of full size; the
smallest that is large enough for `size` is taken.
"""

import tarfile
import tempfile
from pathlib import Path

from lab.runtime.augmentation import Augmentation
from lab.runtime.dataset import Data, Dataset, data_folder, with_validation
from lab.runtime.download import Remote, fetched
from lab.runtime.errors import BadData, NoNetwork
from lab.runtime.folders.classes import class_folders
from lab.runtime.folders.pictures import SUFFIXES, decoded
from lab.spec.declare import Pixels, component, parameter

HOST = "https://s3.amazonaws.com/fast-ai-imageclas"
CLASSES = 10
#: Longest side that an archive is large enough for, its name, SHA-256 and bytes.
ARCHIVES = (
    (
        160,
        "imagenette2-160",
        "64d0c4859f35a461889e0147755a999a48b49bf38a7e0f9bd27003f10db02fe5",
        99_003_388,
    ),
    (
        320,
        "imagenette2-320",
        "569b4497c98db6dd29f335d1f109cf315fe127053cedf69010d047f0188e158c",
        341_663_724,
    ),
    (
        10**6,
        "imagenette2",
        "6cbfac238434d89fe99e651496f0812ebc7a10fa62bd42d6874042bf01de4efd",
        1_557_161_267,
    ),
)


@component("imagenette", kind="data", examples=9_469, facts="lab.runtime.facts.data:imagenette")
class Imagenette(Data):
    """Ten classes of ImageNet, 9,469 training and 3,925 test images cut to squares."""

    size: Pixels = parameter(160, "side of the square that images are cut to", low=1)
    validation: int = parameter(0, "training images set aside, the same ones every time", low=0)
    augment: tuple[Augmentation, ...] = parameter((), "what is done to a training batch, in order")

    def load(self) -> Dataset:
        """All images as bytes, decoded once."""
        root = unpacked(data_folder(), self.size)
        found = class_folders(root, SUFFIXES, test=0.2)
        if len(found.classes) != CLASSES:
            raise BadData(f"{root} has {len(found.classes)} classes and is not Imagenette")
        whole = decoded(found, root=root, side=self.size, colors="rgb", cache=data_folder())
        return with_validation(whole, self.validation)


def remote(size: int) -> Remote:
    """The smallest archive whose images are as large as `size`."""
    name, digest, count = next(one[1:] for one in ARCHIVES if size <= one[0])
    return Remote(f"{name}.tgz", f"{HOST}/{name}.tgz", digest=digest, size=count)


def unpacked(folder: Path, size: int) -> Path:
    """The folder with the images, unpacked and fetched as needed."""
    one = remote(size)
    target = folder / one.name.removesuffix(".tgz")
    if target.is_dir():
        return target
    archive = folder / one.name
    try:
        fetched(one, archive)
    except NoNetwork as error:
        raise NoNetwork(
            f"Imagenette is not in {folder}, and it cannot be fetched: {error}. Put {one.name} "
            "there, or name the folder that has it in LAB_DATA"
        ) from error
    unpack(archive, target)
    return target


def unpack(archive: Path, target: Path) -> None:
    """The folder of an archive of the same name, whole or absent. Raises `BadData`."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".tmp-") as aside:
        try:
            with tarfile.open(archive) as members:
                members.extractall(aside, filter="data")
        except (tarfile.TarError, EOFError) as error:
            raise BadData(f"{archive} cannot be unpacked ({error}): remove it") from error
        inside = Path(aside) / target.name
        if not inside.is_dir():
            raise BadData(f"{archive} has no folder {target.name}")
        inside.rename(target)
