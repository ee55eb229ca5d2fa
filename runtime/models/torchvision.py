"""Networks of torchvision, by name: `torchvision("resnet50")`.

The network is torchvision's own, converted once and run in JAX. Images of any size are resized to
the one that its published weights were trained with, or to `size`, and normalized as they were.
"""

from typing import Literal, Self

from lab.runtime import registry
from lab.runtime.foreign.model import ForeignModel
from lab.runtime.foreign.recipes import Options, Recipe, options_of
from lab.spec.declare import File, Pixels, component, parameter


@component(
    "torchvision", kind="model", streams=("init",), facts="lab.runtime.facts.foreign:torchvision"
)
class Torchvision(ForeignModel):
    """A network of torchvision that tells images apart.

    `resnet50.IMAGENET1K_V2` with `pretrained: true` names which of its published weights are meant.

    Example:
        >>> Torchvision(name="resnet18", classes=7).recipe.name
        'resnet18'
    """

    name: str = parameter(doc="its name there", positional=True, known="torchvision")
    classes: int = parameter(10, "classes to tell apart", low=1)
    size: Pixels | None = parameter(None, "side of its images; none for the usual one", low=1)
    pretrained: bool = parameter(False, "whether to begin with published weights")
    weights: File | None = parameter(None, "checkpoint to start from (.safetensors, .th, .pt)")
    options: dict[str, Literal["true", "false"] | float] = parameter(
        {}, "arguments of its constructor there"
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", Options(self.options))

    @classmethod
    def example(cls) -> Self:
        """A network of few convolutions."""
        return cls(name="squeezenet1_1", size=32)

    @property
    def recipe(self) -> Recipe:
        """What the network is built from."""
        return Recipe(
            "torchvision",
            self.name,
            classes=self.classes,
            size=self.size,
            options=options_of(self.options),
        )

    @property
    def published(self) -> bool:
        """Whether it begins with published weights."""
        return self.pretrained

    def unpublished(self) -> Self:
        """The same network with weights drawn anew."""
        return registry.replace(self, pretrained=False)
