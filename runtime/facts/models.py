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


def vit(arguments: Mapping[str, Value], asking: Asking) -> Network:
    """A vision transformer."""
    del asking
    names = ("depth", "width", "patch", "size", "channels", "classes")
    depth, width, patch, size, channels, classes = (integer(arguments, one) for one in names)
    heads = arguments["heads"]
    heads = max(1, width // _HEAD) if heads is None else integer(arguments, "heads")
    patches, pixels = (size // patch) ** 2, channels * patch**2
    tokens = patches + 1
    weights: dict[str, Shape] = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, tokens, width),
        "patch_embed.proj.weight": (width, channels, patch, patch),
        "patch_embed.proj.bias": (width,),
        **_normalization("norm", width),
        **_map("head", width, classes),
    }
    for block in range(depth):
        weights |= _block(f"blocks.{block}", width)
    attended = 2 * tokens**2 * width
    of_block = tokens * sum(a * b for _, a, b in _maps(width)) + attended
    # Of a block: normalizations and sums, the maps' outputs, the GELU's, scores and shares.
    kept_by_block = tokens * width * _KEPT_OF_WIDTH + 2 * heads * tokens**2
    return Network(
        weights,
        {},
        macs=patches * pixels * width + depth * of_block + width * classes,
        activations=patches * width + depth * kept_by_block + 2 * tokens * width + classes,
        parts={"stem": ("patch_embed.*.*",), "head": ("head.*",)},
    )


#: Numbers of a token that a head has, where a study does not say how many heads there are.
_HEAD = 64
#: Of a token in a block, in widths: two normalizations, two sums, qkv, what was found and its map,
#: the perceptron's hidden numbers before and after the GELU, and its output.
_KEPT_OF_WIDTH = 2 + 2 + 3 + 2 + 2 * 4 + 1


def _maps(width: int) -> Iterator[tuple[str, int, int]]:
    """Linear maps of a block: names, and numbers before and after."""
    yield "attn.qkv", width, 3 * width
    yield "attn.proj", width, width
    yield "mlp.fc1", width, 4 * width
    yield "mlp.fc2", 4 * width, width


def _block(at: str, width: int) -> dict[str, Shape]:
    made = {**_normalization(f"{at}.norm1", width), **_normalization(f"{at}.norm2", width)}
    for name, before, after in _maps(width):
        made |= _map(f"{at}.{name}", before, after)
    return made


def _normalization(at: str, width: int) -> dict[str, Shape]:
    return {f"{at}.weight": (width,), f"{at}.bias": (width,)}


def _map(at: str, before: int, after: int) -> dict[str, Shape]:
    return {f"{at}.weight": (after, before), f"{at}.bias": (after,)}
