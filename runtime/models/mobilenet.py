"""MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381, table 2), as torchvision has it.

Inverted residuals: a 1 × 1 convolution widens, a 3 × 3 depthwise one filters, a 1 × 1 one narrows
again, without a rectifier behind it. At width 1 and 1,000 classes: 3,504,872 parameters.
"""

from typing import Self

from lab.runtime.foreign.model import ForeignModel
from lab.runtime.foreign.recipes import Options, Recipe
from lab.spec.declare import File, Pixels, component, parameter


@component(
    "mobilenet", kind="model", streams=("init",), facts="lab.runtime.facts.foreign:mobilenet"
)
class MobileNet(ForeignModel):
    """MobileNetV2 of depthwise convolutions; small images are enlarged to `size`.

    Example:
        >>> MobileNet(width=0.5).recipe.options
        {'width_mult': 0.5}
    """

    width: float = parameter(1.0, "factor of all numbers of channels", above=0)
    classes: int = parameter(10, "classes to tell apart", low=1)
    size: Pixels = parameter(96, "side of its images", low=32)
    weights: File | None = parameter(None, "checkpoint to start from (.safetensors, .th, .pt)")

    @classmethod
    def example(cls) -> Self:
        """A thin one."""
        return cls(width=0.1, size=32)

    @property
    def recipe(self) -> Recipe:
        """What the network is built from."""
        options = Options(width_mult=self.width)
        return Recipe("torchvision", "mobilenet_v2", self.classes, size=self.size, options=options)
