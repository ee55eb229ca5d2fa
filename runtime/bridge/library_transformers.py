"""Networks of transformers for three tasks, from a type of model or a whole configuration.

Code that comes with a model is never run: only what the installed library has.
"""

import inspect
import json
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError

from lab.runtime.bridge import torchvision_schemas
from lab.runtime.bridge.libraries import (
    IMAGENET,
    Built,
    made,
    of_images,
    of_texts,
    with_parts,
)
from lab.runtime.bridge.person import TEXT_INPUTS
from lab.runtime.errors import UnsuitableSetting
from lab.runtime.foreign.recipes import Recipe

torchvision_schemas.declare()

import transformers  # noqa: E402 - torchvision's operators have to be declared before

_TASKS = {
    "sequence-classification": "AutoModelForSequenceClassification",
    "image-classification": "AutoModelForImageClassification",
    "features": "AutoModel",
}
_USUAL_SIZE = 224


def build(recipe: Recipe) -> Built:
    """The network that a configuration and a task stand for."""
    config = _config(recipe)
    auto: Any = getattr(transformers, _TASKS[recipe.task])
    if type(config) not in auto._model_mapping:
        raise UnsuitableSetting(f"transformers has no `{config.model_type}` for {recipe.task}")
    module: Any = made(recipe, auto.from_config, config=config, trust_remote_code=False)
    names = list(inspect.signature(type(module).forward).parameters)
    is_image = module.main_input_name == "pixel_values"
    texts: list[str | None] = [name if name in names else None for name in TEXT_INPUTS]
    takes = ["pixel_values"] if is_image else [name for name in texts if name is not None]
    _answering(module, task=recipe.task, takes=takes)
    if is_image:
        built = of_images(
            module,
            name="pixel_values",
            size=int(_size(config)),
            channels=int(getattr(config, "num_channels", 3)),
            normalization=_normalization(recipe),
        )
    else:
        built = of_texts(module, names=texts, length=recipe.length)
    return with_parts(built, head=_head(module, recipe.task))


def config_of(name: str, options: dict[str, Any]) -> Any:
    """The library's own configuration of a type of model, some of its entries replaced."""
    try:
        return transformers.AutoConfig.for_model(name, **options)
    except (ValueError, TypeError, KeyError, StrictDataclassError) as refusal:
        said = str(refusal).strip().splitlines()[-1].strip()
        raise UnsuitableSetting(f"transformers cannot configure `{name}`: {said}") from refusal


def _config(recipe: Recipe) -> Any:
    given = {} if not recipe.config else json.loads(recipe.config)
    given = {**given, **recipe.options}
    given.pop("model_type", None)
    for name in ("id2label", "label2id", "num_labels"):
        given.pop(name, None)
    for name in ("auto_map", "architectures", "dtype", "torch_dtype"):
        given.pop(name, None)
    config = config_of(recipe.name, given)
    if recipe.task != "features":
        config.num_labels = recipe.classes
    if recipe.size is not None and getattr(config, "image_size", None) is not None:
        config.image_size = recipe.size
    if getattr(config, "pad_token_id", 0) is None:
        config.pad_token_id = getattr(config, "eos_token_id", None) or 0
    config.use_cache = False
    return config


def _size(config: Any) -> int:
    size = getattr(config, "image_size", None) or _USUAL_SIZE
    return size[0] if isinstance(size, list | tuple) else size


def _normalization(recipe: Recipe) -> tuple[Any, Any]:
    """That of the folder's image processor, which the recipe carries in its configuration."""
    given = {} if not recipe.config else json.loads(recipe.config)
    processor = given.get("lab_processor") or {}
    return processor.get("image_mean", IMAGENET[0]), processor.get("image_std", IMAGENET[1])


def _answering(module: Any, *, task: str, takes: list[str]) -> None:
    """Let a module answer one array; its class is another then, and its names stay."""
    plain = type(module)

    def forward(self: Any, **inputs: torch.Tensor) -> torch.Tensor:
        answer = plain.forward(self, **inputs, return_dict=True)
        if task != "features":
            return answer.logits
        return _features(answer, inputs.get("attention_mask"))

    # What is exported has to say what it takes.
    given = [inspect.Parameter(one, inspect.Parameter.KEYWORD_ONLY) for one in takes]
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    forward.__signature__ = inspect.Signature([itself, *given])  # type: ignore[attr-defined]
    module.__class__ = type(plain.__name__, (plain,), {"forward": forward, "__module__": __name__})


def _features(answer: Any, mask: torch.Tensor | None) -> torch.Tensor:
    """One vector for each example: the mean over what is no padding."""
    hidden = answer.last_hidden_state
    if hidden.ndim == 4:
        return hidden.mean((2, 3))
    if mask is None:
        return hidden.mean(1)
    kept = mask[:, :, None].to(hidden.dtype)
    return (hidden * kept).sum(1) / kept.sum(1).clamp(min=1)


def _head(module: Any, task: str) -> tuple[str, ...] | None:
    """Everything beside the network that the task was put on."""
    if task == "features":
        return None
    prefix = module.base_model_prefix
    children = [name for name, one in module.named_children() if list(one.parameters())]
    beside = [name for name in children if name != prefix]
    if not beside or len(beside) == len(children):
        return None
    return tuple(f"{name}.**" for name in beside)
