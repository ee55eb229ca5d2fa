"""ResNet-20 for 32 × 32 images (He et al. 2016, arXiv 1512.03385, section 4.2).

A stem, three stages of three blocks (`width`, 2 `width`, 4 `width` channels at 32, 16, 8 pixels),
global average, linear classifier. A block is `relu(x' + bn(conv(relu(bn(conv(x))))))`; where it
halves the map, `x'` is every second pixel of `x` between zero channels (option A: no parameters).
At width 16: 269,722 parameters and 40,551,040 multiplications per image.

Paths are those of the usual torch implementation (`layer1.0.conv1.weight`, `linear.bias`).
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, UInt8

from lab.runtime.layers import BatchNorm, Convolution, Linear
from lab.runtime.model import NativeModel
from lab.runtime.patterns import Parts
from lab.spec.declare import File, component, parameter

#: Of the red, green and blue channel, for intensities in 0 … 1.
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
BLOCKS = 3


class Block(nnx.Module):
    """Two convolutions around a shortcut."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, rngs: nnx.Rngs) -> None:
        self.stride, self.more_channels = stride, outputs - inputs
        self.conv1 = Convolution(inputs, outputs, size=3, stride=stride, padding=1, rngs=rngs)
        self.bn1 = BatchNorm(outputs)
        self.conv2 = Convolution(outputs, outputs, size=3, stride=1, padding=1, rngs=rngs)
        self.bn2 = BatchNorm(outputs)

    def __call__(self, x: Float[Array, "n h w i"], *, train: bool) -> Float[Array, "n h2 w2 o"]:
        """The block's output."""
        inner = jax.nn.relu(self.bn1(self.conv1(x), train=train))
        return jax.nn.relu(self.bn2(self.conv2(inner), train=train) + self._shortcut(x))

    def _shortcut(self, x: Array) -> Array:
        if self.stride == 1 and self.more_channels == 0:
            return x
        before = self.more_channels // 2
        channels = (before, self.more_channels - before)
        return jnp.pad(x[:, :: self.stride, :: self.stride], ((0, 0), (0, 0), (0, 0), channels))


class Network(nnx.Module):
    """The whole network, from bytes to logits."""

    def __init__(self, *, width: int, classes: int, rngs: nnx.Rngs) -> None:
        self.conv1 = Convolution(3, width, size=3, stride=1, padding=1, rngs=rngs)
        self.bn1 = BatchNorm(width)
        self.layer1 = _stage(width, width, stride=1, rngs=rngs)
        self.layer2 = _stage(width, 2 * width, stride=2, rngs=rngs)
        self.layer3 = _stage(2 * width, 4 * width, stride=2, rngs=rngs)
        self.linear = Linear(4 * width, classes, rngs=rngs)

    def __call__(self, images: UInt8[Array, "n 32 32 3"], *, train: bool) -> Float[Array, "n k"]:
        """Logits of raw images."""
        x = (images.astype(jnp.float32) / 255 - jnp.array(MEAN)) / jnp.array(DEVIATION)
        x = jax.nn.relu(self.bn1(self.conv1(x), train=train))
        for stage in (self.layer1, self.layer2, self.layer3):
            for block in stage:
                x = block(x, train=train)
        return self.linear(jnp.mean(x, axis=(1, 2)))


def _stage(inputs: int, outputs: int, *, stride: int, rngs: nnx.Rngs) -> nnx.List[Block]:
    first = Block(inputs, outputs, stride=stride, rngs=rngs)
    rest = [Block(outputs, outputs, stride=1, rngs=rngs) for _ in range(BLOCKS - 1)]
    return nnx.List([first, *rest])


@component("resnet20", kind="model", streams=("init",), facts="lab.runtime.facts.models:resnet20")
class ResNet20(NativeModel):
    """ResNet-20 with option-A shortcuts, for 32 × 32 color images.

    Example:
        >>> shapes, _ = ResNet20().shapes()
        >>> shapes["layer1.0.conv1.weight"]
        (16, 16, 3, 3)
    """

    width: int = parameter(16, "channels of the first stage", low=1)
    classes: int = parameter(10, "classes to tell apart", low=2)
    weights: File | None = parameter(None, "checkpoint to start from (.safetensors, .th, .pt)")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """A color image."""
        return (32, 32, 3)

    @property
    def parts(self) -> Parts:
        """The first convolution with its normalization, and the classifier."""
        return {"stem": ("conv1.*", "bn1.*"), "head": ("linear.*",)}

    @property
    def loops_well_on_cpu(self) -> bool:
        """Convolutions in a loop inside a program are many times slower on a CPU."""
        return False

    def build(self, rngs: nnx.Rngs) -> nnx.Module:
        """The network, its parameters drawn anew."""
        return Network(width=self.width, classes=self.classes, rngs=rngs)
