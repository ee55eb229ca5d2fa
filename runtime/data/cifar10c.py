"""CIFAR-10-C (Hendrycks and Dietterich 2019, arXiv 1903.12261): the test images, corrupted.

Made to be measured on, as in `accuracy(method, data: cifar10c(kind: fog))`. There is nothing else
to train on than CIFAR-10 itself, whose training images are the training split here.
"""

from typing import Literal

from lab.runtime.augmentation import Augmentation
from lab.runtime.cifar10.layout import CLASSES
from lab.runtime.cifar10.places import arrays
from lab.runtime.dataset import (
    Data,
    Dataset,
    content_of,
    data_folder,
    resized_to,
    with_validation,
)
from lab.runtime.published.cifar10c import corrupted
from lab.spec.declare import Pixels, component, parameter


@component("cifar10c", kind="data", examples=50_000, facts="lab.runtime.facts.data:cifar10")
class Cifar10C(Data):
    """CIFAR-10 whose 10,000 test images are corrupted in one of the published ways."""

    kind: Literal[
        "brightness",
        "contrast",
        "defocus_blur",
        "elastic_transform",
        "fog",
        "frost",
        "gaussian_blur",
        "gaussian_noise",
        "glass_blur",
        "impulse_noise",
        "jpeg_compression",
        "motion_blur",
        "pixelate",
        "saturate",
        "shot_noise",
        "snow",
        "spatter",
        "speckle_noise",
        "zoom_blur",
    ] = parameter("fog", "what was done to the test images")
    severity: int = parameter(1, "how much of it", low=1, high=5)
    validation: int = parameter(0, "training images set aside, the same ones every time", low=0)
    size: Pixels = parameter(32, "side of the images that a model sees", low=1)
    augment: tuple[Augmentation, ...] = parameter((), "what is done to a training batch, in order")

    def load(self) -> Dataset:
        """All images as bytes."""
        test = corrupted(data_folder(), self.kind, self.severity)
        train, _ = arrays(data_folder())
        whole = Dataset(train, test, classes=len(CLASSES), content=content_of(train, test))
        return with_validation(resized_to(whole, self.size), self.validation)
