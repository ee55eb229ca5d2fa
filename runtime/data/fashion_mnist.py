"""Fashion-MNIST (Xiao et al. 2017, arXiv 1708.07747): 60,000 + 10,000 images of clothes."""

from lab.runtime.augmentation import Augmentation
from lab.runtime.dataset import (
    Data,
    Dataset,
    content_of,
    data_folder,
    resized_to,
    with_validation,
)
from lab.runtime.published.mnist import FASHION
from lab.runtime.published.places import arrays
from lab.spec.declare import Pixels, component, parameter


@component(
    "fashion_mnist",
    kind="data",
    content="sha256:5f06bd0df99ad3dc904134efe2e620e96a51dc83af7575151eb993b975560d7a",
    examples=60_000,
    facts="lab.runtime.facts.data:fashion_mnist",
)
class FashionMnist(Data):
    """Pieces of clothing, 28 × 28 gray pixels and ten classes, from whichever place has them."""

    validation: int = parameter(0, "training images set aside, the same ones every time", low=0)
    size: Pixels = parameter(28, "side of the images that a model sees", low=1, legacy=28)
    augment: tuple[Augmentation, ...] = parameter((), "what is done to a training batch, in order")

    def load(self) -> Dataset:
        """All images as bytes, in the official order."""
        train, test = arrays(FASHION, data_folder())
        content = FASHION.content or content_of(train, test)
        whole = Dataset(train, test, classes=FASHION.classes, content=content)
        return with_validation(resized_to(whole, self.size), self.validation)
