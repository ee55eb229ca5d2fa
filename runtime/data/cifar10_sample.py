"""3,000 images of CIFAR-10 that ship with the project (`lab.runtime.cifar10.sample` has the rule).

Accuracy on 2,000 images is known to about a point: enough for a first look, not for a paper.
"""

from lab.runtime.augmentation import Augmentation
from lab.runtime.cifar10.layout import CLASSES
from lab.runtime.cifar10.sample import read
from lab.runtime.dataset import Data, Dataset, content_of, with_validation
from lab.spec.declare import component, parameter


@component(
    "cifar10_sample",
    kind="data",
    content="sha256:e1b9eea6ea5aed7ba03646d1b56ebaff330405f073651cadf142b40028e084fb",
    examples=1_000,
    facts="lab.runtime.facts.data:cifar10_sample",
)
class Cifar10Sample(Data):
    """1,000 training and 2,000 test images of CIFAR-10, shipped with the project."""

    validation: int = parameter(0, "training images set aside, the same ones every time", low=0)
    augment: tuple[Augmentation, ...] = parameter((), "what is done to a training batch, in order")

    def load(self) -> Dataset:
        """All images as bytes."""
        train, test = read()
        whole = Dataset(train, test, classes=len(CLASSES), content=content_of(train, test))
        return with_validation(whole, self.validation)
