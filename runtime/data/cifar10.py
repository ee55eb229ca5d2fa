"""CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test images of ten kinds of things."""

from lab.runtime.augmentation import Augmentation
from lab.runtime.cifar10.layout import CLASSES, CONTENT
from lab.runtime.cifar10.places import arrays
from lab.runtime.dataset import Data, Dataset, data_folder, resized_to, with_validation
from lab.spec.declare import Pixels, component, parameter


@component(
    "cifar10",
    kind="data",
    content="sha256:fd1294031143afdb9ae4aa49999a53e6559f4901b5ab1bd54d78e3ae214199de",
    examples=50_000,
    facts="lab.runtime.facts.data:cifar10",
)
class Cifar10(Data):
    """CIFAR-10, all of it, from whichever place has it (`LAB_DATA` names a folder)."""

    validation: int = parameter(0, "training images set aside, the same ones every time", low=0)
    size: Pixels = parameter(32, "side of the images that a model sees", low=1, legacy=32)
    augment: tuple[Augmentation, ...] = parameter((), "what is done to a training batch, in order")

    def load(self) -> Dataset:
        """All images as bytes, in the official order."""
        train, test = arrays(data_folder())
        whole = Dataset(train, test, classes=len(CLASSES), content=CONTENT)
        return with_validation(resized_to(whole, self.size), self.validation)
