"""Shapes and costs of networks that torch libraries build, from what their conversion noted.

A conversion is made once on a machine, and leaves a small file of facts beside it. Before that,
nobody knows what such a network costs without building it, and a plan says so.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from lab.compiler.facts import Asking, Network, UnknownError
from lab.runtime.facts.values import integer
from lab.runtime.foreign.recipes import Options, Recipe, facts, options_of
from lab.spec.values import Value


def network(recipe: Recipe) -> Network:
    """The facts of a network. Raises UnknownError where it was not converted on this machine."""
    known = facts(recipe)
    if known is None:
        raise UnknownError(f"{recipe}, not converted yet")
    return Network(
        _shapes(known["parameters"]),
        _shapes(known["buffers"]),
        macs=known["macs"],
        activations=known["activations"],
        kind="convolution" if known["is_convolution"] else "matrix",
        parts={name: tuple(known[name]) for name in ("stem", "head")},
    )


def _shapes(given: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(shape) for name, shape in given.items()}


def _images(library: str) -> Callable[[Mapping[str, Value], Asking], Network]:
    def of(arguments: Mapping[str, Value], asking: Asking) -> Network:
        del asking
        return network(image_recipe(library, arguments))

    return of


def image_recipe(library: str, arguments: Mapping[str, Value]) -> Recipe:
    """What a network of torchvision or timm is built from."""
    return Recipe(
        library,
        cast(str, arguments["name"]),
        classes=integer(arguments, "classes"),
        size=cast("int | None", arguments["size"]),
        options=options_of(cast(Mapping[str, Value], arguments["options"])),
    )


torchvision = _images("torchvision")
timm = _images("timm")


def mobilenet(arguments: Mapping[str, Value], asking: Asking) -> Network:
    """MobileNetV2."""
    del asking
    size, classes = integer(arguments, "size"), integer(arguments, "classes")
    options = Options(width_mult=arguments["width"])
    return network(Recipe("torchvision", "mobilenet_v2", classes, size=size, options=options))


def transformers(arguments: Mapping[str, Value], asking: Asking) -> Network:
    """A type of model in the library's own configuration; a folder is known by what it holds."""
    del asking
    name, config = arguments["name"], cast(str, arguments["config"])
    if not isinstance(name, str) or "/" in name:
        raise UnknownError("transformers (its folder is not read to plan)")
    is_image = arguments["task"] == "image-classification"
    recipe = Recipe(
        "transformers",
        name,
        classes=integer(arguments, "classes"),
        size=cast("int | None", arguments["size"]),
        length=0 if is_image else integer(arguments, "length"),
        task=cast(str, arguments["task"]),
        config=config,
        options=options_of(cast(Mapping[str, Value], arguments["options"])),
    )
    return network(recipe)
