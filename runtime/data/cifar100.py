"""CIFAR-100 (Krizhevsky 2009): 50,000 training and 10,000 test images of a hundred classes."""

from lab.runtime.augmentation import Augmentation
from lab.runtime.dataset import (
    Data,
    Dataset,
    content_of,
    data_folder,
    resized_to,
    with_validation,
)
from lab.runtime.published.cifar100 import CIFAR100
from lab.runtime.published.places import arrays
from lab.spec.declare import Pixels, component, parameter


@component(
    "cifar100",
    kind="data",
    examples=50_000,
    facts="lab.runtime.facts.data:cifar100",
)
class Cifar100(Data):
    """CIFAR-100, all of it, from whichever place has it (`LAB_DATA` names a folder)."""

    validation: int = parameter(0, "training images set aside, the same ones every time", low=0)
    size: Pixels = parameter(32, "side of the images that a model sees", low=1, legacy=32)
    augment: tuple[Augmentation, ...] = parameter((), "what is done to a training batch, in order")

    def load(self) -> Dataset:
        """All images as bytes, in the official order."""
        train, test = arrays(CIFAR100, data_folder())
        content = CIFAR100.content or content_of(train, test)
        whole = Dataset(train, test, classes=CIFAR100.classes, content=content)
        return with_validation(resized_to(whole, self.size), self.validation)
