"""Networks of the zoo, built with random weights, and inputs for them."""

from typing import Any

import torch

from benches.zoo.models import Entry
from lab.runtime.bridge.parity import randomized
from lab.runtime.bridge.torchvision_schemas import declare

SEED = 11


def build(entry: Entry) -> torch.nn.Module:
    """The network; nothing of it is left at a constant."""
    declare()
    torch.manual_seed(SEED)
    return randomized(_BUILDERS[entry.library](entry), SEED)


def _of_torchvision(entry: Entry) -> torch.nn.Module:
    import torchvision

    return torchvision.models.get_model(entry.name, weights=None, **entry.options)


def _of_timm(entry: Entry) -> torch.nn.Module:
    import timm

    return timm.create_model(entry.name, pretrained=False, **entry.options)


def _of_transformers(entry: Entry) -> torch.nn.Module:
    import transformers

    kind: Any = getattr(transformers, entry.name)
    return kind(kind.config_class(**entry.options))


_BUILDERS = {
    "torchvision": _of_torchvision,
    "timm": _of_timm,
    "transformers": _of_transformers,
}


def inputs_of(entry: Entry, module: torch.nn.Module, batch: int) -> dict[str, torch.Tensor]:
    """Random inputs by keyword: images, or texts of which the last ends earlier."""
    torch.manual_seed(SEED + batch)
    main = getattr(module, "main_input_name", "x") if entry.library == "transformers" else "x"
    if main != "input_ids":
        return {main: torch.randn(batch, 3, entry.size, entry.size)}
    words = torch.randint(3, 120, (batch, entry.size))
    mask = torch.ones_like(words)
    mask[-1, entry.size - 3 :] = 0
    return {"input_ids": words, "attention_mask": mask}
