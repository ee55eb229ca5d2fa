"""MNIST (LeCun et al. 1998): 60,000 training and 10,000 test images of handwritten digits."""

from lab.runtime.augmentation import Augmentation
from lab.runtime.dataset import (
    Data,
    Dataset,
    content_of,
    data_folder,
    resized_to,
    with_validation,
)
from lab.runtime.published.mnist import MNIST
from lab.runtime.published.places import arrays
from lab.spec.declare import Pixels, component, parameter


@component(
    "mnist",
    kind="data",
    content="sha256:ceda791d3e53beaf95f8e213c414aa4d975006504eff93f785d685ecea3e892c",
    examples=60_000,
    facts="lab.runtime.facts.data:mnist",
)
class Mnist(Data):
    """Handwritten digits of 28 × 28 gray pixels, from whichever place has them."""

    validation: int = parameter(0, "training images set aside, the same ones every time", low=0)
    size: Pixels = parameter(28, "side of the images that a model sees", low=1, legacy=28)
    augment: tuple[Augmentation, ...] = parameter((), "what is done to a training batch, in order")

    def load(self) -> Dataset:
        """All images as bytes, in the official order."""
        train, test = arrays(MNIST, data_folder())
        content = MNIST.content or content_of(train, test)
        whole = Dataset(train, test, classes=MNIST.classes, content=content)
        return with_validation(resized_to(whole, self.size), self.validation)
