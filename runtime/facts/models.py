"""Shapes, multiplications and activations of the networks that ship.

A convolution of an h × w map has h w k² i o multiplications, a linear map i o. Activations are what
is computed on the way forward and needed on the way back: outputs of layers, normalizations and
rectifiers.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from lab.compiler.facts import Asking, Network, Shape
from lab.runtime.facts.values import integer
from lab.spec.values import Value

#: Numbers kept for the way back by a convolution with its normalization and rectifier.
_KEPT_BY_A_CONVOLUTION = 3


def mlp_sizes(*, inputs: int, width: int, layers: int, classes: int) -> tuple[int, ...]:
    """Numbers before and after each layer of a perceptron."""
    return (inputs, *[width] * layers, classes)


def mlp(arguments: Mapping[str, Value], asking: Asking) -> Network:
    """A perceptron."""
    del asking
    names = ("inputs", "width", "layers", "classes")
    sizes = mlp_sizes(**{name: integer(arguments, name) for name in names})
    weights: dict[str, Shape] = {}
    for place, (before, after) in enumerate(pairwise(sizes)):
        weights[f"layers.{place}.weight"] = (after, before)
        weights[f"layers.{place}.bias"] = (after,)
    macs = sum(before * after for before, after in pairwise(sizes))
    head = f"layers.{len(sizes) - 2}.*"
    return Network(
        weights,
        {},
        macs=macs,
        activations=sizes[0] + 2 * sum(sizes[1:]),
        parts={"stem": ("layers.0.*",), "head": (head,)},
    )


class Layer(NamedTuple):
    """A 3 × 3 convolution with its normalization: names, channels, and the side of its map."""

    convolution: str
    norm: str
    inputs: int
    outputs: int
    side: int


def resnet20_layers(width: int) -> Iterator[Layer]:
    """The convolutions of ResNet-20 on 32 × 32 images, from the stem on."""
    yield Layer("conv1", "bn1", 3, width, 32)
    inputs = width
    for stage, (outputs, side) in enumerate(((width, 32), (2 * width, 16), (4 * width, 8)), 1):
        for block in range(3):
            at = f"layer{stage}.{block}"
            yield Layer(f"{at}.conv1", f"{at}.bn1", inputs, outputs, side)
            yield Layer(f"{at}.conv2", f"{at}.bn2", outputs, outputs, side)
            inputs = outputs


def resnet20(arguments: Mapping[str, Value], asking: Asking) -> Network:
    """ResNet-20."""
    del asking
    width, classes = integer(arguments, "width"), integer(arguments, "classes")
    weights: dict[str, Shape] = {}
    buffers: dict[str, Shape] = {}
    macs = 4 * width * classes
    activations = 4 * width + classes
    for one in resnet20_layers(width):
        weights[f"{one.convolution}.weight"] = (one.outputs, one.inputs, 3, 3)
        weights |= {f"{one.norm}.{name}": (one.outputs,) for name in ("weight", "bias")}
        buffers |= {f"{one.norm}.running_{name}": (one.outputs,) for name in ("mean", "var")}
        macs += one.side**2 * 9 * one.inputs * one.outputs
        activations += _KEPT_BY_A_CONVOLUTION * one.side**2 * one.outputs
    weights |= {"linear.weight": (classes, 4 * width), "linear.bias": (classes,)}
    return Network(
        weights,
        buffers,
        macs=macs,
        activations=activations,
        kind="convolution",
        parts={"stem": ("conv1.*", "bn1.*"), "head": ("linear.*",)},
    )
