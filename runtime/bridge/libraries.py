"""Networks of torch libraries, built from recipes with weights drawn anew.

A built network takes its inputs by name and answers one array: logits, or features. What `lab`
feeds it is said in `about`: the inputs' names, normalization, size, and which parameters are its
first layer and its last.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from lab.runtime.errors import UnsuitableSetting
from lab.runtime.foreign.recipes import Recipe

#: Of the red, green and blue channel, for intensities in 0 … 1: what most networks expect.
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
#: What a constructor raises where it was given something unfit.
REFUSALS = (TypeError, ValueError, RuntimeError, AssertionError, KeyError, AttributeError)
#: Examples that a network is converted with; the number is a symbol in what comes out.
EXAMPLES = 2


@dataclass(frozen=True)
class Built:
    """A module whose `forward` takes `inputs` by name, and facts about it as JSON."""

    module: torch.nn.Module
    inputs: dict[str, torch.Tensor]
    about: dict[str, Any]


def build(recipe: Recipe) -> Built:
    """The network of a recipe. Raises `UnsuitableSetting` where its library refuses."""
    from lab.runtime.bridge import library_timm, library_torchvision, library_transformers, person

    builders: dict[str, Callable[[Recipe], Built]] = {
        "torchvision": library_torchvision.build,
        "timm": library_timm.build,
        "transformers": library_transformers.build,
        "torch": person.build,
    }
    built = builders[recipe.library](recipe)
    _check(recipe, built)
    return built


def made(recipe: Recipe, make: Callable[..., torch.nn.Module], **options: Any) -> torch.nn.Module:
    """What a constructor makes; its refusal is a person's mistake."""
    try:
        return make(**options)
    except REFUSALS as refusal:
        said = str(refusal) or type(refusal).__name__
        raise UnsuitableSetting(f"{recipe} cannot be built so: {said}") from refusal


def sized(
    recipe: Recipe, make: Callable[..., torch.nn.Module], name: str, **options: Any
) -> torch.nn.Module:
    """What a constructor makes for images of the recipe's size, which some have to be told."""
    if recipe.size is None or name in options:
        return made(recipe, make, **options)
    try:
        return made(recipe, make, **options, **{name: recipe.size})
    except UnsuitableSetting as refusal:
        if not isinstance(refusal.__cause__, TypeError) or f"'{name}'" not in str(refusal):
            raise
        return made(recipe, make, **options)


def of_images(
    module: torch.nn.Module,
    *,
    name: str,
    size: int,
    channels: int = 3,
    normalization: tuple[Any, Any] = IMAGENET,
    head: tuple[str, ...] | None = None,
    stem: tuple[str, ...] | None = None,
) -> Built:
    """A network of square images; where nobody says what its head is, its last layer is."""
    images = torch.zeros(EXAMPLES, channels, size, size)
    mean, deviation = (fitting(each, channels) for each in normalization)
    about = {
        "takes": "images",
        "inputs": [name],
        "size": size,
        "channels": channels,
        "mean": mean,
        "deviation": deviation,
    }
    return with_parts(Built(module, {name: images}, about), stem=stem, head=head)


def of_texts(module: torch.nn.Module, *, names: list[str | None], length: int) -> Built:
    """A network of texts. `names` are those of ids, mask and types, None for one it lacks."""
    ones = torch.ones(EXAMPLES, length, dtype=torch.int64)
    values = (ones, ones, torch.zeros_like(ones))
    inputs = {name: one for name, one in zip(names, values, strict=True) if name is not None}
    about = {"takes": "texts", "planes": names, "length": length}
    return Built(module, inputs, about)


def with_parts(
    built: Built, *, stem: tuple[str, ...] | None = None, head: tuple[str, ...] | None = None
) -> Built:
    """The same, with patterns of its first layer and of its last one."""
    if stem is None or head is None:
        order = _layers(built)
        stem = stem or tuple(f"{name}.*" for name in order[:1])
        head = head or tuple(f"{name}.*" for name in order[-1:])
    return Built(
        built.module, built.inputs, {**built.about, "stem": list(stem), "head": list(head)}
    )


def fitting(each: Any, channels: int) -> list[float]:
    """A constant for each channel: those given, or their mean for another number of channels."""
    given = [float(one) for one in each]
    if len(given) == channels:
        return given
    return [sum(given) / len(given)] * channels


def _layers(built: Built) -> list[str]:
    """Modules that have parameters of their own, in the order in which they are called."""
    called: list[str] = []
    names = {module: name for name, module in built.module.named_modules()}

    def note(module: torch.nn.Module, *_: Any) -> None:
        called.append(names[module])

    hooks = [
        module.register_forward_hook(note)
        for module in names
        if names[module] and list(module.parameters(recurse=False))
    ]
    was_training = built.module.training
    with torch.no_grad():
        built.module.eval()(**built.inputs)
    built.module.train(was_training)
    for hook in hooks:
        hook.remove()
    return called


def _check(recipe: Recipe, built: Built) -> None:
    """A network answers one array of as many numbers as were asked for."""
    was_training = built.module.training
    with torch.no_grad():
        try:
            answer = built.module.eval()(**built.inputs)
        except REFUSALS as refusal:
            shapes = {name: tuple(one.shape) for name, one in built.inputs.items()}
            raise UnsuitableSetting(
                f"{recipe} cannot be run on inputs of {shapes}: {refusal}"
            ) from refusal
    built.module.train(was_training)
    if not isinstance(answer, torch.Tensor) or answer.ndim != 2:
        said = "x".join(_sizes(answer)) or type(answer).__name__
        raise UnsuitableSetting(f"{recipe} answers {said}, and not one row for each example")
    if recipe.task != "features" and answer.shape[1] != recipe.classes:
        raise UnsuitableSetting(
            f"{recipe} answers {answer.shape[1]} numbers for an example, and `classes` says "
            f"{recipe.classes}"
        )
    built.about["answers"] = answer.shape[1]


def _sizes(answer: Any) -> Iterator[str]:
    if isinstance(answer, torch.Tensor):
        yield from map(str, answer.shape)
