"""Networks of timm that tell images apart."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from lab.runtime.bridge import torchvision_schemas
from lab.runtime.bridge.libraries import IMAGENET, Built, of_images, sized
from lab.runtime.foreign.recipes import Recipe

torchvision_schemas.declare()

import timm  # noqa: E402 - torchvision's operators have to be declared before


def build(recipe: Recipe) -> Built:
    """A network by the name that timm has for it, with or without a tag of published weights."""
    make = partial(
        timm.create_model,
        recipe.name,
        pretrained=False,
        num_classes=recipe.classes,
        **recipe.options,
    )
    module: Any = sized(recipe, make, "img_size")
    usual = module.pretrained_cfg
    channels, height, _ = usual.get("input_size") or (3, 224, 224)
    return of_images(
        module,
        name="x",
        size=recipe.size or int(recipe.options.get("img_size", height)),
        channels=int(recipe.options.get("in_chans", channels)),
        normalization=(usual.get("mean") or IMAGENET[0], usual.get("std") or IMAGENET[1]),
        stem=_patterns(usual.get("first_conv")),
        head=_patterns(usual.get("classifier")),
    )


def _patterns(names: str | Iterable[str] | None) -> tuple[str, ...] | None:
    if not names:
        return None
    listed = (names,) if isinstance(names, str) else tuple(names)
    return tuple(f"{name}.*" for name in listed)
